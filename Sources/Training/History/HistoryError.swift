/// Why a text is no history of a training. Lines count from 1.
public enum HistoryError: Error, Equatable, Sendable {
    case invalidHeader(found: String, expected: String)
    case invalidLine(number: Int, found: String)
    case misplacedEpoch(number: Int, found: Int, previous: Int)
}

extension HistoryError: CustomStringConvertible {
    /// One sentence.
    public var description: String {
        switch self {
        case .invalidHeader(let found, let expected):
            "the history begins with \"\(found)\" where the columns \(expected) are expected"
        case .invalidLine(let number, let found):
            "line \(number) of the history is \"\(found)\", not an epoch and seven numbers"
        case .misplacedEpoch(let number, let found, let previous):
            "line \(number) of the history is of epoch \(found), which cannot follow \(previous)"
        }
    }
}
