/// What a reader of one format hands over: tensors under their plain names.
struct CheckpointContents {
    private(set) var tensors = StoredTensors()
    private(set) var skipped: [SkippedTensor] = []
    var metadata: [String: String] = [:]

    private var float32ByteCount = 0
    private let maxFloat32ByteCount: Int

    /// Tensors may overlap and repeat elements, so their float32 copies can be far larger than the file: these
    /// bounds are never met by weights that were saved once.
    init(fileByteCount: Int) { maxFloat32ByteCount = 64 << 20 + 8 * fileByteCount }

    /// Takes a tensor in.
    ///
    /// - Throws: ``CheckpointError`` when its name is taken, or its float32 copy asks for too much memory.
    mutating func append(_ tensor: StoredTensor, name: String) throws(CheckpointError) {
        let byteCount = tensor.shape.elementCount.multipliedReportingOverflow(by: MemoryLayout<Float>.size)
        let sum = float32ByteCount.addingReportingOverflow(byteCount.partialValue)
        guard !byteCount.overflow, !sum.overflow, sum.partialValue <= maxFloat32ByteCount else {
            throw .limitExceeded(
                what: "bytes of float32 up to tensor \(name.prefix(100))",
                found: byteCount.overflow || sum.overflow ? .max : sum.partialValue, limit: maxFloat32ByteCount)
        }
        float32ByteCount = sum.partialValue
        try tensors.append(tensor, name: Self.plainName(name))
    }

    /// Notes a tensor that is no weight.
    mutating func skip(_ name: String, scalarName: String) {
        skipped.append(SkippedTensor(name: Self.plainName(name), scalarName: scalarName))
    }

    /// The name without the wrappers that `DataParallel` and `torch.compile` put around a network or a part of it.
    static func plainName(_ name: String) -> String {
        guard name.contains("module.") || name.contains("_orig_mod.") else { return name }
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return parts.enumerated()
            .filter { $0.offset == parts.count - 1 || ($0.element != "module" && $0.element != "_orig_mod") }
            .map(\.element).joined(separator: ".")
    }
}
