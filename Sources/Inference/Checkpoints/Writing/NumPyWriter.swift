import Files

/// Writes the format of `numpy.savez(path, **state_dict)`: a zip archive with one `.npy` file per tensor.
///
/// - Source: NumPy's `numpy/lib/format.py`, version 1.0 of the format
enum NumPyWriter {
    /// The header's length is a multiple of this, as in NumPy, so that the data are aligned. Units: bytes.
    private static let alignment = 64

    static func write(_ tensors: [WritableTensor], to file: AtomicFile) throws(CheckpointWriteError) {
        for tensor in tensors where tensor.name.isEmpty || tensor.name.contains("\0") {
            throw .invalidName(name: tensor.name)
        }
        for tensor in tensors where tensor.scalarType == .bfloat16 {
            throw .unsupportedScalarType(.bfloat16, format: .npz)
        }
        var archive = ZipWriter(file)
        for tensor in tensors {
            let header = header(of: tensor)
            try archive.add(tensor.name + ".npy", byteCount: header.count + tensor.byteCount) {
                put throws(CheckpointWriteError) in
                try header.withRawBytes { bytes throws(CheckpointWriteError) in try put(bytes) }
                try ScalarEncoder.encode(tensor, to: put)
            }
        }
        try archive.finish()
    }

    /// The magic number, the version, the length, and a Python dictionary literal.
    private static func header(of tensor: WritableTensor) -> [UInt8] {
        let extents = tensor.shape.extents.map(String.init).joined(separator: ", ")
        let shape = tensor.shape.rank == 1 ? "(\(extents),)" : "(\(extents))"
        var text = Array(
            "{'descr': '\(tensor.scalarType == .float16 ? "<f2" : "<f4")', 'fortran_order': False, 'shape': \(shape), }"
                .utf8)
        let unpadded = 10 + text.count + 1
        text.append(
            contentsOf: repeatElement(UInt8(ascii: " "), count: (alignment - unpadded % alignment) % alignment))
        text.append(UInt8(ascii: "\n"))
        var header = LittleEndianBytes()
        header.append(contentsOf: [0x93] + Array("NUMPY".utf8) + [1, 0])
        header.append(UInt16(text.count))
        return header.bytes + text
    }
}
