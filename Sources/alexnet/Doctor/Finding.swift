import Foundation
import Training

/// The result of one check.
struct Finding: Equatable, Sendable, Encodable {
    /// The severity of a finding.
    enum Status: String, Sendable, Encodable {
        /// No action is needed.
        case ok
        /// The server works, but slower than it could or with a risk.
        case warning
        /// The server does not start, or its predictions would be wrong.
        case failed
    }

    /// The severity.
    let status: Status
    /// The check's name.
    let check: String
    /// What was found.
    let found: String
    /// What to do, as a sentence; nil only for ``Status/ok``.
    let advice: String?

    /// A finding that needs no action.
    static func ok(_ check: String, _ found: String) -> Self {
        Self(status: .ok, check: check, found: found, advice: nil)
    }

    /// A finding that should be acted on.
    static func warning(_ check: String, _ found: String, advice: String) -> Self {
        Self(status: .warning, check: check, found: found, advice: advice)
    }

    /// A finding that has to be acted on.
    static func failed(_ check: String, _ found: String, advice: String) -> Self {
        Self(status: .failed, check: check, found: found, advice: advice)
    }

    /// The finding as one line of text. Control characters, as in file names, are replaced.
    var line: String {
        let columns = [
            status.rawValue.padding(toLength: 7, withPad: " ", startingAt: 0),
            check.padding(toLength: 16, withPad: " ", startingAt: 0), found,
        ]
        let text = columns.joined(separator: "  ") + (advice.map { ". " + $0 } ?? "")
        return text.printable
    }

    /// The finding as one JSON object.
    var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}

/// A check whose finding depends only on its stored facts, so that tests can set them.
protocol Check: Sendable {
    /// The result.
    var finding: Finding { get }
}
