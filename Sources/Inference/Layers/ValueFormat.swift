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
