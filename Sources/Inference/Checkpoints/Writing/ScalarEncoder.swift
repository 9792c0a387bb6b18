/// A tensor's scalars as bytes of the type that a file has them in, piece by piece.
struct ScalarEncoder {
    /// Units: scalars. Small enough for the second-level cache, in both forms.
    private static let chunkCount = 1 << 16

    /// Hands over the bytes in order: float32 where it lies, other types in pieces.
    ///
    /// - Throws: ``CheckpointWriteError/overflow(name:index:value:scalarType:)`` for a finite number that becomes infinite.
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
