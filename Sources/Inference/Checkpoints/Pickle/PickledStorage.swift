/// The memory that tensors share, as a pickle names it.
struct PickledStorage: Sendable, Equatable {
    /// PyTorch's name for its elements: `float32`, `int64`.
    let scalarName: String
    /// The record that holds the bytes: `0` for `data/0`.
    let key: String
    let elementCount: Int
    /// The part that is meant, where the older form keeps one storage as a view of another. Units: elements.
    var view: Range<Int>?
}
