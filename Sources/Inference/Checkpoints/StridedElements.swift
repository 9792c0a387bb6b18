/// Elements of any type and layout, on their way to contiguous float32.
struct StridedElements {
    /// From the first element on.
    let bytes: UnsafeRawBufferPointer
    let shape: Shape
    let strides: [Int]
    let isContiguous: Bool

    /// Wide enough for whole cache lines on both sides of a transposition, small enough for the first-level cache.
    private static let tileExtent = 32

    /// Fills `output`, which has room for exactly the shape's elements; there is at least one.
    func convert(from scalarType: ScalarType, to output: UnsafeMutableBufferPointer<Float>) {
        switch scalarType {
        case .float16: copy(UInt16.self, to: output, ScalarConversion.float(float16:))
        case .bfloat16: copy(UInt16.self, to: output, ScalarConversion.float(bfloat16:))
        case .float32: copy(UInt32.self, to: output, Float.init(bitPattern:))
        case .float64: copy(UInt64.self, to: output, ScalarConversion.float(float64:))
        }
    }

    @inline(__always)
    private func copy<Bits: FixedWidthInteger>(
        _ type: Bits.Type, to output: UnsafeMutableBufferPointer<Float>, _ convert: (Bits) -> Float
    ) {
        guard let source = bytes.baseAddress, let target = output.baseAddress else { return }
        if isContiguous {
            for index in 0..<output.count {
                let bits = source.loadUnaligned(fromByteOffset: index &* MemoryLayout<Bits>.size, as: Bits.self)
                target[index] = convert(Bits(littleEndian: bits))
            }
        } else {
            copyPlanes { sourceOffset, targetOffset in
                let bits = source.loadUnaligned(fromByteOffset: sourceOffset &* MemoryLayout<Bits>.size, as: Bits.self)
                target[targetOffset] = convert(Bits(littleEndian: bits))
            }
        }
    }

    /// Visits every element, in tiles of the last two axes: a transposed matrix read by rows would miss the cache at
    /// each of them.
    @inline(__always)
    private func copyPlanes(_ copy: (_ source: Int, _ target: Int) -> Void) {
        let extents = [1, 1] + shape.extents
        let strides = [0, 0] + self.strides
        let (rows, columns) = (extents[extents.count - 2], extents[extents.count - 1])
        let (rowStride, columnStride) = (strides[strides.count - 2], strides[strides.count - 1])
        var outer = [Int](repeating: 0, count: extents.count - 2)
        var (source, target) = (0, 0)
        while true {
            for firstRow in stride(from: 0, to: rows, by: Self.tileExtent) {
                for firstColumn in stride(from: 0, to: columns, by: Self.tileExtent) {
                    for row in firstRow..<min(firstRow + Self.tileExtent, rows) {
                        for column in firstColumn..<min(firstColumn + Self.tileExtent, columns) {
                            copy(source + row * rowStride + column * columnStride, target + row * columns + column)
                        }
                    }
                }
            }
            target += rows * columns
            var axis = outer.count - 1
            while axis >= 0 {
                outer[axis] += 1
                source += strides[axis]
                if outer[axis] < extents[axis] { break }
                source -= strides[axis] * extents[axis]
                outer[axis] = 0
                axis -= 1
            }
            if axis < 0 { return }
        }
    }
}
