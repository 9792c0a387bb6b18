import Inference

extension Tensor {
    /// A network's input from a picture whose channels lie one after the other; their order is left as it is.
    ///
    /// Shape: `[C, H, W]` as `bytes`, float32, little-endian, at any address; `[H, W, C]` as the tensor, see
    /// ``Preprocessing/tensorShape``.
    init(channelsFirst channelCount: Int, _ height: Int, _ width: Int, bytes: UnsafeRawBufferPointer) {
        let area = height * width
        precondition(
            bytes.count == channelCount * area * MemoryLayout<Float>.size,
            "\(bytes.count) bytes are no picture of \(channelCount)×\(height)×\(width)")
        self.init([height, width, channelCount]) { output in
            guard let output = output.baseAddress, let input = bytes.baseAddress else { return }
            for channel in 0..<channelCount {
                let plane = input + channel * area * MemoryLayout<Float>.size
                for pixel in 0..<area {
                    let bits = plane.loadUnaligned(fromByteOffset: pixel * MemoryLayout<Float>.size, as: UInt32.self)
                    (output + (pixel * channelCount + channel)).initialize(
                        to: Float(bitPattern: UInt32(littleEndian: bits)))
                }
            }
        }
    }
}
