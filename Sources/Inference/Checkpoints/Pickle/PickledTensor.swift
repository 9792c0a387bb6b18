import Files

/// A view of a storage, as a pickle describes it: nothing here is checked against the storage yet.
struct PickledTensor: Sendable, Equatable {
    let storage: PickledStorage
    /// Units: elements.
    let offset: Int
    let extents: [Int]
    /// Units: elements.
    let strides: [Int]
    /// PyTorch's name for its elements where the storage does not say it: `float8_e4m3fn`.
    var ownScalarName: String?

    /// PyTorch's name for its elements: `float32`, `int64`.
    var scalarName: String { ownScalarName ?? storage.scalarName }
}

extension PickledTensor {
    /// The tensor as a checked view of its storage's bytes.
    func stored(
        as name: String, scalarType: ScalarType, storage bytes: ByteRegion
    ) throws(CheckpointError) -> StoredTensor {
        var bytes = bytes
        if let view = storage.view {
            let size = scalarType.byteCount
            let (start, startOverflow) = view.lowerBound.multipliedReportingOverflow(by: size)
            let (count, countOverflow) = view.count.multipliedReportingOverflow(by: size)
            guard !startOverflow, !countOverflow, let part = bytes.part(from: start, count: count) else {
                throw .outOfBounds(
                    name: name, lastElement: view.upperBound - 1, storageElementCount: bytes.count / size)
            }
            bytes = part
        }
        return try StoredTensor(
            name: name, scalarType: scalarType, extents: extents, strides: strides, storageOffset: offset,
            storage: bytes)
    }
}
