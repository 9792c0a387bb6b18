import Foundation

/// A progress bar on standard error. It is hidden if standard error is not a terminal.
struct ProgressBar {
    private let total: Int
    private let unit: String
    /// The text before the bar; nil for none.
    let label: String?
    /// The text at the end of the line.
    var note = ""
    /// The count at the beginning, which the rate does not include.
    private let first: Int
    private let isShown: Bool
    private let start = ContinuousClock.now
    private var done: Int

    private static let width = 30
    /// The bar appears after this time, so that short tasks show none.
    private static let patience = Duration.milliseconds(500)

    /// A bar that begins at `done` of `total`.
    init(total: Int, unit: String, label: String? = nil, done: Int = 0, isShown: Bool) {
        self.total = total
        self.unit = unit
        self.label = label
        self.done = done
        first = done
        self.isShown = isShown && isatty(STDERR_FILENO) != 0
    }

    /// Redraws the bar, with the rate and the remaining time.
    mutating func advance(by count: Int) {
        done += count
        let elapsed = ContinuousClock.now - start
        guard isShown, elapsed > Self.patience, done > first, done < total else { return }
        let seconds = elapsed / .seconds(1)
        let filled = done * Self.width / total
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: Self.width - filled)
        let rate = Double(done - first) / seconds
        let left = Int(Double(total - done) / rate)
        write(
            "\r\(label.map { $0 + " " } ?? "")\(bar) \(done)/\(total) \(unit)  \(Int(rate)) a second  "
                + "\(left / 60):\(String(format: "%02d", left % 60)) left"
                + (note.isEmpty ? "" : "  \(note)") + "\u{1B}[K")
    }

    /// Erases the bar, so that a line can be printed in its place.
    func clear() { if isShown { write("\r\u{1B}[K") } }

    private func write(_ text: String) { OutputStream.error.writeIfPossible(text) }
}
