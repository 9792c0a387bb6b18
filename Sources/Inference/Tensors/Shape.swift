/// The extents of a tensor, outermost axis first.
public struct Shape: Hashable, Sendable {
    /// The length of each axis, 0 or more. A scalar has no axes.
    public let extents: [Int]

    /// A shape of these extents, outermost axis first.
    public init(_ extents: [Int]) {
        precondition(extents.allSatisfy { $0 >= 0 }, "a shape has no negative extents, but this one is \(extents)")
        self.extents = extents
    }

    /// The number of axes.
    public var rank: Int { extents.count }

    /// The number of scalars in a tensor of this shape.
    ///
    /// Limits: traps on overflow. Check shapes from a file with ``checkedElementCount`` first.
    public var elementCount: Int { extents.reduce(1, *) }

    /// The element count, or nil if it overflows an `Int`; for shapes from a file.
    public var checkedElementCount: Int? {
        var count = 1
        for extent in extents {
            let (product, overflow) = count.multipliedReportingOverflow(by: extent)
            if overflow { return nil }
            count = product
        }
        return count
    }

    /// The strides of a contiguous tensor, last axis fastest. Units: elements.
    public var contiguousStrides: [Int] {
        var strides = [Int](repeating: 1, count: rank)
        for axis in stride(from: rank - 2, through: 0, by: -1) {
            strides[axis] = strides[axis + 1] * extents[axis + 1]
        }
        return strides
    }

    /// The length of one axis.
    public subscript(axis: Int) -> Int { extents[axis] }
}

extension Shape: ExpressibleByArrayLiteral {
    public init(arrayLiteral elements: Int...) { self.init(elements) }
}

extension Shape: CustomStringConvertible {
    /// Formatted as PyTorch does: `[1, 3, 224, 224]`.
    public var description: String { "[" + extents.map(String.init).joined(separator: ", ") + "]" }
}
