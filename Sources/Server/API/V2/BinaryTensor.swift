import Inference

/// A tensor in binary, which follows the JSON: its values one after the other, little-endian, without padding.
///
/// - Source: Triton's binary tensor data extension
struct BinaryTensor {
    let extents: [Int]
    let elementCount: Int

    /// The images in these bytes.
    ///
    /// - Throws: ``V2Error`` if the number of bytes does not fit the shape.
    func images(_ datatype: TensorDatatype, in bytes: ArraySlice<UInt8>) throws(V2Error) -> [ImageInput] {
        switch datatype {
        case .float32:
            try check(bytes, elementByteCount: MemoryLayout<Float>.size)
            return try tensors(in: bytes)
        case .uint8:
            try check(bytes, elementByteCount: 1)
            return Self.split(bytes.count, by: extents[0]).map { range in
                let pixels = bytes[bytes.startIndex + range.lowerBound..<bytes.startIndex + range.upperBound]
                return .pixels(
                    PixelImage(
                        width: extents[2], height: extents[1], channelCount: extents[3], pixels: Array(pixels)))
            }
        case .bytes: return try files(in: bytes)
        }
    }

    private func check(_ bytes: ArraySlice<UInt8>, elementByteCount: Int) throws(V2Error) {
        let expected = elementCount * elementByteCount
        guard bytes.count == expected else {
            throw .byteCount(found: bytes.count, expected: expected, shape: extents)
        }
    }

    private func tensors(in bytes: ArraySlice<UInt8>) throws(V2Error) -> [ImageInput] {
        let (images, outlier): ([ImageInput], Int?) = bytes.withUnsafeBytes { bytes in
            if let index = Self.firstNotFinite(bytes) { return ([], index) }
            return (Self.tensors(in: bytes, extents: extents), nil)
        }
        if let outlier { throw .notFinite(index: outlier) }
        return images
    }

    /// Splits a tensor along its first axis into inputs of the network.
    static func tensors(in bytes: UnsafeRawBufferPointer, extents: [Int]) -> [ImageInput] {
        split(bytes.count, by: extents[0]).map { range in
            .tensor(
                Tensor(
                    channelsFirst: extents[1], extents[2], extents[3],
                    bytes: UnsafeRawBufferPointer(rebasing: bytes[range])))
        }
    }

    /// The index of the first float32 that is infinite or not a number.
    private static func firstNotFinite(_ bytes: UnsafeRawBufferPointer) -> Int? {
        let count = bytes.count / MemoryLayout<Float>.size
        func isFinite(_ index: Int) -> Bool {
            let bits = bytes.loadUnaligned(fromByteOffset: index * MemoryLayout<Float>.size, as: UInt32.self)
            return UInt32(littleEndian: bits) & 0x7F80_0000 != 0x7F80_0000
        }
        // No early exit, so that the loop is vectorised.
        var isAllFinite = true
        for index in 0..<count { isAllFinite = isFinite(index) && isAllFinite }
        return isAllFinite ? nil : (0..<count).first { !isFinite($0) }
    }

    /// Splits a BYTES tensor: each element is its length in four bytes, then that many bytes.
    private func files(in bytes: ArraySlice<UInt8>) throws(V2Error) -> [ImageInput] {
        var rest = bytes
        var files: [ImageInput] = []
        for index in 0..<elementCount {
            guard rest.count >= 4 else { throw .element(index: index, count: elementCount) }
            let length = rest.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(4)
            guard length <= rest.count else { throw .element(index: index, count: elementCount) }
            files.append(.encoded(rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
        guard rest.isEmpty else { throw .excessBytes(rest.count) }
        return files
    }

    /// Splits `count` values into equal ranges.
    static func split(_ count: Int, by shares: Int) -> [Range<Int>] {
        let size = count / shares
        return (0..<shares).map { $0 * size..<($0 + 1) * size }
    }
}

extension Tensor {
    /// A network's input from planar channels, one after the other; their order stays the same.
    ///
    /// Shape: `[C, H, W]` as `bytes`, float32, little-endian, at any address; `[H, W, C]` as the tensor, see
    /// ``Preprocessing/tensorShape``.
    init(channelsFirst channelCount: Int, _ height: Int, _ width: Int, bytes: UnsafeRawBufferPointer) {
        let area = height * width
        precondition(
            bytes.count == channelCount * area * MemoryLayout<Float>.size,
            "\(bytes.count) bytes do not hold an image of \(channelCount)×\(height)×\(width)")
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
