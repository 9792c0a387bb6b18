import Files

/// An array of NumPy, as a pickle describes it: nothing here is checked against the number of bytes yet.
struct PickledArray: Sendable {
    /// What the elements are.
    enum Elements: Sendable {
        case bytes(ByteRegion)
        /// A list in the heap: the elements are Python's objects.
        case objects(Int)
    }

    let extents: [Int]
    let type: PickledArrayType
    /// Whether the first axis is the fastest.
    let isColumnMajor: Bool
    let elements: Elements
}
