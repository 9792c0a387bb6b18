/// The extents of a tensor, outermost axis first.
public struct Shape: Hashable, Sendable {
    /// One extent for each axis; none is negative. A scalar has no axes.
    public let extents: [Int]

    /// A shape of these extents, outermost axis first.
    public init(_ extents: [Int]) {
        precondition(extents.allSatisfy { $0 >= 0 }, "a shape has no negative extents, but this one is \(extents)")
        self.extents = extents
    }

    /// How many axes there are.
    public var rank: Int { extents.count }

    /// How many scalars a tensor of this shape holds.
    ///
    /// Limits: traps on overflow; check shapes that come from outside with ``checkedElementCount`` first.
    public var elementCount: Int { extents.reduce(1, *) }

    /// The element count, or nil where it does not fit an `Int`: for shapes that come from a file.
    public var checkedElementCount: Int? {
        var count = 1
        for extent in extents {
            let (product, overflow) = count.multipliedReportingOverflow(by: extent)
            if overflow { return nil }
            count = product
        }
        return count
    }

    /// The strides, in elements, of a tensor stored without gaps, last axis fastest.
    public var contiguousStrides: [Int] {
        var strides = [Int](repeating: 1, count: rank)
        for axis in stride(from: rank - 2, through: 0, by: -1) {
            strides[axis] = strides[axis + 1] * extents[axis + 1]
        }
        return strides
    }

    /// The extent of one axis.
    public subscript(axis: Int) -> Int { extents[axis] }
}

extension Shape: ExpressibleByArrayLiteral {
    public init(arrayLiteral elements: Int...) { self.init(elements) }
}

extension Shape: CustomStringConvertible {
    /// `[N, C, H, W]`, as PyTorch prints it.
    public var description: String { "[" + extents.map(String.init).joined(separator: ", ") + "]" }
}
