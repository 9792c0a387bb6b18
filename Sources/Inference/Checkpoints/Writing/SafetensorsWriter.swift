import Files
import Foundation

/// Writes safetensors: the header's length in eight bytes, a JSON header, then the tensors' bytes without gaps.
///
/// Tensors are sorted by descending element size, then by name. Each is therefore aligned to its element size.
///
/// - Source: the safetensors format description and its reference implementation
enum SafetensorsWriter {
    /// A tensor of any type of the format.
    struct Entry {
        let name: String
        /// The type's name in the format, such as `F32`.
        let scalarName: String
        let shape: Shape
        /// The size of one element. Units: bytes.
        let scalarByteCount: Int
        /// Passes the tensor's bytes on, in order.
        let write:
            (_ put: (UnsafeRawBufferPointer) throws(CheckpointWriteError) -> Void) throws(CheckpointWriteError)
                -> Void

        /// A floating-point tensor.
        init(_ tensor: WritableTensor) {
            name = tensor.name
            scalarName = SafetensorsWriter.scalarName(of: tensor.scalarType)
            shape = tensor.shape
            scalarByteCount = tensor.scalarType.byteCount
            write = { put throws(CheckpointWriteError) in try ScalarEncoder.encode(tensor, to: put) }
        }

        /// A tensor of bytes, signed (`I8`) or unsigned (`U8`).
        init(name: String, isSigned: Bool, shape: Shape, bytes: [UInt8]) {
            precondition(bytes.count == shape.elementCount, "\(bytes.count) bytes for a tensor of \(shape)")
            self.name = name
            scalarName = isSigned ? "I8" : "U8"
            self.shape = shape
            scalarByteCount = 1
            write = { put throws(CheckpointWriteError) in
                try bytes.withRawBytes { bytes throws(CheckpointWriteError) in try put(bytes) }
            }
        }
    }

    static func write(
        _ tensors: [WritableTensor], metadata: [String: String], to file: AtomicFile
    ) throws(CheckpointWriteError) {
        try write(tensors.map(Entry.init), metadata: metadata, to: file)
    }

    static func write(
        _ entries: [Entry], metadata: [String: String], to file: AtomicFile
    ) throws(CheckpointWriteError) {
        let sorted = entries.sorted { left, right in
            left.scalarByteCount != right.scalarByteCount
                ? left.scalarByteCount > right.scalarByteCount
                : left.name.utf8.lexicographicallyPrecedes(right.name.utf8)
        }
        try file.add(try header(sorted, metadata: metadata))
        for entry in sorted { try entry.write(file.add) }
    }

    /// The length and the header, padded with spaces to a multiple of 8 bytes as the format requires.
    private static func header(
        _ tensors: [Entry], metadata: [String: String]
    ) throws(CheckpointWriteError) -> [UInt8] {
        var entries: [String] = []
        if !metadata.isEmpty {
            let pairs = metadata.sorted { $0.key < $1.key }.map { quoted($0.key) + ":" + quoted($0.value) }
            entries.append(#""__metadata__":{\#(pairs.joined(separator: ","))}"#)
        }
        var offset = 0
        for tensor in tensors {
            guard tensor.name != "__metadata__" else { throw .invalidName(name: tensor.name) }
            let extents = tensor.shape.extents.map(String.init).joined(separator: ",")
            let end = offset + tensor.shape.elementCount * tensor.scalarByteCount
            entries.append(
                quoted(tensor.name)
                    + #":{"dtype":"\#(tensor.scalarName)","shape":[\#(extents)],"#
                    + #""data_offsets":[\#(offset),\#(end)]}"#)
            offset = end
        }
        var text = Array("{\(entries.joined(separator: ","))}".utf8)
        text.append(contentsOf: repeatElement(UInt8(ascii: " "), count: (8 - text.count % 8) % 8))
        guard text.count <= SafetensorsReader.maxHeaderByteCount else {
            throw .headerTooLong(byteCount: text.count, limit: SafetensorsReader.maxHeaderByteCount)
        }
        var header = LittleEndianBytes()
        header.append(UInt64(text.count))
        return header.bytes + text
    }

    fileprivate static func scalarName(of type: ScalarType) -> String {
        switch type {
        case .float16: "F16"
        case .bfloat16: "BF16"
        case .float32: "F32"
        case .float64: "F64"
        }
    }

    private static func quoted(_ text: String) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        return (try? encoder.encode(text)).map { String(decoding: $0, as: UTF8.self) } ?? "\"\""
    }
}
