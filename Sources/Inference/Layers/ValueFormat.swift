/// How a value between two layers is stored.
public enum ValueFormat: Sendable, Equatable {
    /// float32.
    case float32
    /// Bytes, quantized as the layer that reads them would quantize float32 values. Its results are the same to the bit, and
    /// a quarter of the memory is written and read.
    case bytes(InputQuantization)

    /// The size of some values. Units: bytes.
    func byteCount(_ count: Int) -> Int {
        switch self {
        case .float32: count * MemoryLayout<Float>.stride
        case .bytes: count
        }
    }
}

/// What a layer that is computed in bytes adds to its output, from one place of the output on.
enum ByteAddends {
    /// Values that are first rounded as they are quantized; nil to add them as they are.
    case float32(UnsafePointer<Float>, InputQuantization?)
    case bytes(UnsafePointer<UInt8>, InputQuantization)
}

/// A place in the output of a step that may write either format.
enum OutputMemory {
    case float32(UnsafeMutablePointer<Float>)
    case bytes(UnsafeMutablePointer<UInt8>, InputQuantization)

    /// The place some values further.
    func advanced(by count: Int) -> Self {
        switch self {
        case .float32(let memory): .float32(memory + count)
        case .bytes(let memory, let quantization): .bytes(memory + count, quantization)
        }
    }
}
