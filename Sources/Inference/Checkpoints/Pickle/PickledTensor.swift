/// A view of a storage, as a pickle describes it: nothing here is checked against the storage yet.
struct PickledTensor: Sendable, Equatable {
    let storage: PickledStorage
    /// Units: elements.
    let offset: Int
    let extents: [Int]
    /// Units: elements.
    let strides: [Int]
}
