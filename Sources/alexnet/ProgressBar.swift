import Foundation

/// A bar on standard error for work that takes a while; silent where nobody looks at a terminal.
struct ProgressBar {
    private let total: Int
    private let unit: String
    private let isShown: Bool
    private let start = ContinuousClock.now
    private var done = 0

    private static let width = 30
    /// Shorter work needs no bar.
    private static let patience = Duration.milliseconds(500)

    init(total: Int, unit: String, isShown: Bool) {
        self.total = total
        self.unit = unit
        self.isShown = isShown && isatty(STDERR_FILENO) != 0
    }

    /// Draws the bar anew, with the rate and the time left.
    mutating func advance(by count: Int) {
        done += count
        let elapsed = ContinuousClock.now - start
        guard isShown, elapsed > Self.patience, done > 0, done < total else { return }
        let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
        let filled = done * Self.width / total
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: Self.width - filled)
        let rate = Double(done) / seconds
        let left = Int(Double(total - done) / rate)
        write(
            "\r\(bar) \(done)/\(total) \(unit)  \(Int(rate)) a second  "
                + "\(left / 60):\(String(format: "%02d", left % 60)) left\u{1B}[K")
    }

    /// Removes the bar, so that a line can be printed in its place.
    func clear() { if isShown { write("\r\u{1B}[K") } }

    private func write(_ text: String) { OutputStream.error.writeIfPossible(text) }
}
