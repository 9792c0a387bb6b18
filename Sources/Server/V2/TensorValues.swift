import Files
import Inference

/// The values of a tensor that stood in JSON.
enum TensorValues: Sendable {
    case floats([Float])
    case bytes([UInt8])
    case encoded([[UInt8]])

    /// Reads them in one pass, straight into their place.
    ///
    /// - Parameter count: what the shape says; no more is ever taken in, and no more memory set aside than the text could fill.
    init(
        _ json: inout JSONCursor<V2Error>, _ datatype: TensorDatatype, _ extents: [Int], count: Int
    ) throws(V2Error) {
        switch datatype {
        case .float32:
            var values: [Float] = []
            values.reserveCapacity(min(count, json.remaining / 2 + 1))
            try json.readTensor(extents) { (json) throws(V2Error) in values.append(try json.readFloat()) }
            self = .floats(values)
        case .uint8:
            var values: [UInt8] = []
            values.reserveCapacity(min(count, json.remaining / 2 + 1))
            try json.readTensor(extents) { (json) throws(V2Error) in values.append(try json.readByte()) }
            self = .bytes(values)
        case .bytes:
            var values: [[UInt8]] = []
            try json.readTensor(extents) { (json) throws(V2Error) in
                guard let picture = try json.readBase64() else {
                    throw .upload(.notBase64(index: values.count))
                }
                values.append(picture)
            }
            self = .encoded(values)
        }
    }

    /// One picture a step of the first axis.
    ///
    /// - Parameter extents: the shape that the values were read with.
    func pictures(_ extents: [Int]) -> [PictureInput] {
        switch self {
        case .encoded(let files): return files.map { .encoded($0[...]) }
        case .floats(let values):
            return values.withUnsafeBytes { BinaryTensor.tensors(in: $0, extents: extents) }
        case .bytes(let values):
            return BinaryTensor.split(values.count, by: extents[0]).map { range in
                .pixels(
                    PixelImage(
                        width: extents[2], height: extents[1], channelCount: extents[3], pixels: Array(values[range])))
            }
        }
    }
}
