/// Converts other floating-point formats to float32 and back with branch-free bit arithmetic, so that loops vectorise
/// on every CPU.
///
/// - Source: IEEE 754-2019, §3.4
enum ScalarConversion {
    /// Converts exactly. A float16 has 5 exponent bits with bias 15, and 10 fraction bits.
    @inline(__always)
    static func float(float16 bits: UInt16) -> Float {
        let magnitude = UInt32(bits & 0x7FFF) << 13
        // Rebiases the exponent by 112; infinities and NaNs, whose exponent is 31, by 224 to reach 255.
        let rebias: UInt32 = magnitude >= 0x0F80_0000 ? 224 << 23 : 112 << 23
        let normal = magnitude &+ rebias
        // A subnormal is its fraction in units of 2⁻²⁴: add it below an exponent of -14, then subtract that power.
        let subnormal = (Float(bitPattern: magnitude | 113 << 23) - Float(bitPattern: 113 << 23)).bitPattern
        let value = magnitude < 0x0080_0000 ? subnormal : normal
        return Float(bitPattern: value | UInt32(bits & 0x8000) << 16)
    }

    /// Converts exactly: a bfloat16 is the upper 16 bits of a float32.
    @inline(__always)
    static func float(bfloat16 bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }

    /// Rounds to nearest, ties to even; overflow gives infinity.
    @inline(__always)
    static func float(float64 bits: UInt64) -> Float { Float(Double(bitPattern: bits)) }

    /// Rounds to nearest, ties to even; 65,520 and above give infinity. NaNs keep the upper bits of their payload.
    @inline(__always)
    static func float16(_ value: Float) -> UInt16 {
        let magnitude = value.bitPattern & 0x7FFF_FFFF
        // Adds just under half a unit in the last place, or half where the last kept bit is odd; carries propagate
        // correctly up to infinity.
        let odd = (magnitude >> 13) & 1
        let normal = (magnitude &+ 0x0FFF &+ odd &- 112 << 23) >> 13
        // Below 2⁻¹⁴, adding ½ aligns the fraction with float16's unit of 2⁻²⁴ and rounds it.
        let subnormal = (Float(bitPattern: magnitude) + 0.5).bitPattern &- Float(0.5).bitPattern
        let payload = (magnitude >> 13) & 0x03FF
        let nan: UInt32 = 0x7C00 | (payload == 0 ? 0x0200 : payload)
        var bits = magnitude < 0x3880_0000 ? subnormal : normal
        bits = magnitude >= 0x4780_0000 ? 0x7C00 : bits
        bits = magnitude > 0x7F80_0000 ? nan : bits
        return UInt16(truncatingIfNeeded: bits | (value.bitPattern >> 16) & 0x8000)
    }

    /// Rounds to nearest, ties to even; overflow gives infinity. NaNs keep the upper bits of their payload.
    @inline(__always)
    static func bfloat16(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        let rounded = (bits &+ 0x7FFF &+ (bits >> 16) & 1) >> 16
        let nan = bits & 0x007F_0000 == 0 ? bits >> 16 | 0x40 : bits >> 16
        return UInt16(truncatingIfNeeded: bits & 0x7FFF_FFFF > 0x7F80_0000 ? nan : rounded)
    }
}

/// A strided view of elements of any type, to be converted to contiguous float32.
struct StridedElements {
    /// The bytes from the first element on.
    let bytes: UnsafeRawBufferPointer
    let shape: Shape
    let strides: [Int]
    let isContiguous: Bool

    /// The side of a tile: large enough to use whole cache lines on both sides of a transposition, small enough for the
    /// L1 cache. Units: elements.
    private static let tileExtent = 32

    /// Fills `output`, which must have exactly as many elements as the shape, and at least one.
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

    /// Visits every element, in tiles of the last two axes. Reading a transposed matrix row by row would miss the cache
    /// at every element.
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

/// Encodes a tensor's scalars in the element type of a file, chunk by chunk.
struct ScalarEncoder {
    /// Chunk size: input and output together fit the L2 cache. Units: scalars.
    private static let chunkCount = 1 << 16

    /// Passes the bytes to `put`, in order: float32 without a copy, other types in chunks.
    ///
    /// - Throws: ``CheckpointWriteError/overflow(name:index:value:scalarType:)`` for a finite number that becomes
    ///   infinite.
    static func encode(
        _ entry: WritableTensor, to put: (UnsafeRawBufferPointer) throws(CheckpointWriteError) -> Void
    ) throws(CheckpointWriteError) {
        let tensor = entry.tensor()
        try tensor.withUnsafeScalars { scalars throws(CheckpointWriteError) in
            switch entry.scalarType {
            case .float32: try put(UnsafeRawBufferPointer(scalars))
            case .float16: try encode(scalars, entry, by: ScalarConversion.float16(_:), to: put)
            case .bfloat16: try encode(scalars, entry, by: ScalarConversion.bfloat16(_:), to: put)
            case .float64: preconditionFailure("nothing is written in float64")
            }
        }
    }

    @inline(__always)
    private static func encode(
        _ scalars: UnsafeBufferPointer<Float>, _ entry: WritableTensor, by convert: (Float) -> UInt16,
        to put: (UnsafeRawBufferPointer) throws(CheckpointWriteError) -> Void
    ) throws(CheckpointWriteError) {
        let infinity = convert(.infinity)
        let chunk = UnsafeMutableBufferPointer<UInt16>.allocate(capacity: min(chunkCount, scalars.count))
        defer { chunk.deallocate() }
        for start in stride(from: 0, to: scalars.count, by: chunkCount) {
            let count = min(chunkCount, scalars.count - start)
            var overflowCount: Int32 = 0
            for index in 0..<count {
                let scalar = scalars[start &+ index]
                let bits = convert(scalar).littleEndian
                chunk[index] = bits
                let isOverflow = bits & 0x7FFF == infinity && scalar.bitPattern & 0x7FFF_FFFF < 0x7F80_0000
                overflowCount |= isOverflow ? 1 : 0
            }
            if overflowCount != 0 {
                let index = (start..<start + count).first {
                    scalars[$0].isFinite && convert(scalars[$0]) & 0x7FFF == infinity
                }
                let found = index ?? start
                throw .overflow(name: entry.name, index: found, value: scalars[found], scalarType: entry.scalarType)
            }
            try put(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(chunk)[..<(2 * count)]))
        }
    }
}
