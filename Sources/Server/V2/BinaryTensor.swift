import Inference

/// A tensor as it lies behind the JSON: its values one after the other, little-endian, without padding.
///
/// - Source: Triton's binary tensor data extension
struct BinaryTensor {
    let extents: [Int]
    let elementCount: Int

    /// The pictures in exactly these bytes.
    func pictures(_ datatype: TensorDatatype, in bytes: ArraySlice<UInt8>) throws(V2Error) -> [PictureInput] {
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

    private func tensors(in bytes: ArraySlice<UInt8>) throws(V2Error) -> [PictureInput] {
        let (pictures, outlier): ([PictureInput], Int?) = bytes.withUnsafeBytes { bytes in
            var outlier: Int?
            let pictures = Self.split(elementCount, by: extents[0]).map { range -> PictureInput in
                let (height, width) = (extents[2], extents[3])
                return .tensor(
                    Tensor(channelsFirst: extents[1], height, width) { offset in
                        let index = range.lowerBound + offset
                        let bits = bytes.loadUnaligned(
                            fromByteOffset: index * MemoryLayout<Float>.size, as: UInt32.self)
                        let value = Float(bitPattern: UInt32(littleEndian: bits))
                        if !value.isFinite { outlier = min(outlier ?? index, index) }
                        return value
                    })
            }
            return (pictures, outlier)
        }
        if let outlier { throw .notFinite(index: outlier) }
        return pictures
    }

    /// Each element is its length in four bytes and as many bytes.
    private func files(in bytes: ArraySlice<UInt8>) throws(V2Error) -> [PictureInput] {
        var rest = bytes
        var files: [PictureInput] = []
        for index in 0..<elementCount {
            guard rest.count >= 4 else { throw .element(index: index, count: elementCount) }
            let length = rest.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(4)
            guard length <= rest.count else { throw .element(index: index, count: elementCount) }
            files.append(.encoded(Array(rest.prefix(length))))
            rest = rest.dropFirst(length)
        }
        guard rest.isEmpty else { throw .excessBytes(rest.count) }
        return files
    }

    /// Equal shares of `count` values.
    static func split(_ count: Int, by shares: Int) -> [Range<Int>] {
        let size = count / shares
        return (0..<shares).map { $0 * size..<($0 + 1) * size }
    }
}
