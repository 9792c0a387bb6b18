import Files

/// Writes what `torch.save(state_dict, path)` writes: PyTorch loads it with `weights_only=True`.
///
/// - Source: PyTorch's `torch/serialization.py`
enum PyTorchWriter {
    /// Every record lies in it; PyTorch's own name for it where the file has none.
    private static let folder = "archive/"

    /// - Parameter sizeLimit: see ``ZipWriter``.
    static func write(
        _ tensors: [WritableTensor], to file: AtomicFile, sizeLimit: Int = 0xFFFF_FFFF
    ) throws(CheckpointWriteError) {
        var archive = ZipWriter(file, sizeLimit: sizeLimit)
        try archive.add(folder + "data.pkl", StateDictionaryPickle.bytes(of: tensors))
        try archive.add(folder + ".format_version", Array("1".utf8))
        try archive.add(folder + ".storage_alignment", Array("64".utf8))
        try archive.add(folder + "byteorder", Array("little".utf8))
        for (index, tensor) in tensors.enumerated() {
            try archive.add(folder + "data/\(index)", byteCount: tensor.byteCount) { put throws(CheckpointWriteError) in
                try ScalarEncoder.encode(tensor, to: put)
            }
        }
        try archive.add(folder + "version", Array("3\n".utf8))
        try archive.finish()
    }
}
