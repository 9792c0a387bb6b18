import Foundation

/// What a page says that a command prints, in which `…` stands for any text.
///
/// Line breaks and the blanks around them are not compared: a page may break a long line where it likes. Everything else is.
struct OutputPattern {
    private let pieces: [String]

    init(_ text: String) {
        pieces = Self.joined(text).components(separatedBy: "…").map { $0.trimmingCharacters(in: .whitespaces) }
    }

    /// Whether `output` is of this form, from its beginning to its end.
    func matches(_ output: String) -> Bool {
        var rest = Self.joined(output)[...]
        for (index, piece) in pieces.enumerated() {
            if index == 0 {
                guard rest.hasPrefix(piece) else { return false }
                rest = rest.dropFirst(piece.count)
                if pieces.count == 1 { return rest.isEmpty }
            } else if index == pieces.count - 1 {
                return rest.hasSuffix(piece)
            } else if !piece.isEmpty {
                guard let range = rest.range(of: piece) else { return false }
                rest = rest[range.upperBound...]
            }
        }
        return false
    }

    private static func joined(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }.joined()
    }
}
