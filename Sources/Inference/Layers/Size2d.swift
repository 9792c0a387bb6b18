/// Two extents of a plane. Units: elements.
public struct Size2d: Hashable, Sendable {
    /// The number of rows.
    public let height: Int
    /// The number of columns.
    public let width: Int

    /// The two extents.
    public init(height: Int, width: Int) {
        self.height = height
        self.width = width
    }
}

extension Size2d: ExpressibleByIntegerLiteral {
    /// The same both ways.
    public init(integerLiteral value: Int) { self.init(square: value) }

    /// The same both ways.
    public init(square extent: Int) { self.init(height: extent, width: extent) }
}

extension Size2d: CustomStringConvertible {
    /// `3×3`
    public var description: String { "\(height)×\(width)" }
}
