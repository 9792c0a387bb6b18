/// A layer was given inputs that it cannot take.
public struct ShapeError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The layer, as in `Conv2d(64, 192, kernelSize: 5)`.
    public let layer: String
    /// The shapes it was given, without the batch axis.
    public let found: [Shape]
    /// What it can take.
    public let expected: String

    public var description: String {
        "\(layer) was given \(found.map(\.description).joined(separator: " and ")); it takes \(expected)."
    }
}
