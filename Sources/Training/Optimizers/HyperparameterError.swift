/// A number with which no training works.
public enum HyperparameterError: Error, Equatable, Sendable {
    case outOfRange(name: String, found: String, expected: String)

    /// - Throws: ``outOfRange(name:found:expected:)``, also for NaN.
    static func check(_ name: String, _ value: Double, in range: Range<Double>) throws(Self) {
        guard range.contains(value) else {
            throw .outOfRange(
                name: name, found: "\(value)",
                expected: "a number from \(range.lowerBound) to below \(range.upperBound)")
        }
    }
}

extension HyperparameterError: CustomStringConvertible {
    /// One sentence.
    public var description: String {
        switch self {
        case .outOfRange(let name, let found, let expected): "the \(name) is \(found) where \(expected) is expected"
        }
    }
}
