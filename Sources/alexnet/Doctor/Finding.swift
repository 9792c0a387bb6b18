import Foundation

/// What one check found.
struct Finding: Equatable, Sendable, Encodable {
    /// How bad it is.
    enum Status: String, Sendable, Encodable {
        /// Nothing to do.
        case ok
        /// It serves, but not as well as it could, or not for long.
        case warning
        /// It cannot serve, or not rightly.
        case failed
    }

    let status: Status
    /// The check's name.
    let check: String
    /// What was looked at, and what it is.
    let found: String
    /// What to do next, in a sentence; nil where all is well.
    let advice: String?

    static func ok(_ check: String, _ found: String) -> Self {
        Self(status: .ok, check: check, found: found, advice: nil)
    }

    static func warning(_ check: String, _ found: String, advice: String) -> Self {
        Self(status: .warning, check: check, found: found, advice: advice)
    }

    static func failed(_ check: String, _ found: String, advice: String) -> Self {
        Self(status: .failed, check: check, found: found, advice: advice)
    }

    /// For people; names of files cannot break the line.
    var line: String {
        let columns = [
            status.rawValue.padding(toLength: 7, withPad: " ", startingAt: 0),
            check.padding(toLength: 16, withPad: " ", startingAt: 0), found,
        ]
        let text = columns.joined(separator: "  ") + (advice.map { ". " + $0 } ?? "")
        return String(
            String.UnicodeScalarView(text.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }))
    }

    /// One object, for programs.
    var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}

/// Judges facts that somebody else has gathered: a finding follows from them alone, so that tests can make them up.
protocol Check: Sendable {
    var finding: Finding { get }
}
