import Files
import Foundation

/// Writes safetensors: the header's length in eight bytes, a JSON header, then the tensors' bytes without gaps.
///
/// Tensors are sorted by descending element size, then by name. Each is therefore aligned to its element size.
///
/// - Source: the safetensors format description and its reference implementation
enum SafetensorsWriter {
    static func write(
        _ tensors: [WritableTensor], metadata: [String: String], to file: AtomicFile
    ) throws(CheckpointWriteError) {
        let sorted = tensors.sorted { left, right in
            left.scalarType.byteCount != right.scalarType.byteCount
                ? left.scalarType.byteCount > right.scalarType.byteCount
                : left.name.utf8.lexicographicallyPrecedes(right.name.utf8)
        }
        try file.add(try header(sorted, metadata: metadata))
        for tensor in sorted { try ScalarEncoder.encode(tensor, to: file.add) }
    }

    /// The length and the header, padded with spaces to a multiple of 8 bytes as the format requires.
    private static func header(
        _ tensors: [WritableTensor], metadata: [String: String]
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
            let end = offset + tensor.byteCount
            entries.append(
                quoted(tensor.name)
                    + #":{"dtype":"\#(scalarName(of: tensor.scalarType))","shape":[\#(extents)],"#
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

    private static func scalarName(of type: ScalarType) -> String {
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
