import Foundation

/// A bar on standard error for work that takes a while; silent where nobody looks at a terminal.
struct ProgressBar {
    private let total: Int
    private let unit: String
    /// What is under way, where that is not obvious; nil for nothing.
    let label: String?
    /// Shown behind the rest.
    var note = ""
    /// Done before the bar was made: no part of its rate.
    private let first: Int
    private let isShown: Bool
    private let start = ContinuousClock.now
    private var done: Int

    private static let width = 30
    /// Shorter work needs no bar.
    private static let patience = Duration.milliseconds(500)

    init(total: Int, unit: String, label: String? = nil, done: Int = 0, isShown: Bool) {
        self.total = total
        self.unit = unit
        self.label = label
        self.done = done
        first = done
        self.isShown = isShown && isatty(STDERR_FILENO) != 0
    }

    /// Draws the bar anew, with the rate and the time left.
    mutating func advance(by count: Int) {
        done += count
        let elapsed = ContinuousClock.now - start
        guard isShown, elapsed > Self.patience, done > first, done < total else { return }
        let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
        let filled = done * Self.width / total
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: Self.width - filled)
        let rate = Double(done - first) / seconds
        let left = Int(Double(total - done) / rate)
        write(
            "\r\(label.map { $0 + " " } ?? "")\(bar) \(done)/\(total) \(unit)  \(Int(rate)) a second  "
                + "\(left / 60):\(String(format: "%02d", left % 60)) left"
                + (note.isEmpty ? "" : "  \(note)") + "\u{1B}[K")
    }

    /// Removes the bar, so that a line can be printed in its place.
    func clear() { if isShown { write("\r\u{1B}[K") } }

    private func write(_ text: String) { OutputStream.error.writeIfPossible(text) }
}
