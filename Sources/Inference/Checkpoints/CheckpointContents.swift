/// What a reader of one format hands over: tensors under their plain names.
struct CheckpointContents {
    private(set) var tensors = StoredTensors()
    private(set) var skipped: [SkippedTensor] = []
    /// What has a weight's name and is no tensor.
    var objects: [StoredObject] = []
    /// What a person should know about the file, one sentence each.
    var notes: [String] = []
    var metadata: [String: String] = [:]

    /// Pays for the tensors' float32 copies, too: they may overlap and repeat elements, and ask for far more than the file
    /// has.
    let budget: ReadingBudget

    init(budget: ReadingBudget) { self.budget = budget }

    /// What is kept of a tensor: its name, its shape and strides, its place. Units: bytes.
    private static let entryByteCount = 384

    /// Takes a tensor in.
    ///
    /// - Throws: ``CheckpointError`` when its name is taken, or its float32 copy asks for too much memory.
    mutating func append(_ tensor: StoredTensor, name: String) throws(CheckpointError) {
        let byteCount = tensor.shape.elementCount.multipliedReportingOverflow(by: MemoryLayout<Float>.size)
        try budget.charge(
            byteCount.overflow ? .max : byteCount.partialValue,
            for: "float32 up to tensor \(PickleObject.shortened(name))")
        try budget.charge(Self.entryByteCount + name.utf8.count, for: "the tensors' names")
        try tensors.append(tensor, name: Self.plainName(name))
    }

    /// Notes a tensor that is no weight.
    mutating func skip(_ name: String, scalarName: String) throws(CheckpointError) {
        try budget.charge(Self.entryByteCount + name.utf8.count, for: "the tensors' names")
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
