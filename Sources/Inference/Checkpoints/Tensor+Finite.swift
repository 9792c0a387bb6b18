extension Tensor {
    /// Where the first infinity or NaN stands, counted along the last axis first; nil when all is finite.
    public var firstNonFiniteIndex: Int? {
        withUnsafeScalars { scalars in
            let blockExtent = 4096
            for start in stride(from: 0, to: scalars.count, by: blockExtent) {
                let block = scalars[start..<min(start + blockExtent, scalars.count)]
                // An exponent of all ones, and no other, carries into the sign's place: integer work that vectorises.
                var carries: UInt32 = 0
                for scalar in UnsafeBufferPointer(rebasing: block) {
                    carries |= (scalar.bitPattern & 0x7FFF_FFFF) &+ 0x0080_0000
                }
                if carries >> 31 != 0 { return block.firstIndex { !$0.isFinite } }
            }
            return nil
        }
    }

    /// - Throws: ``CheckpointError/nonFinite(name:index:value:)`` for the first scalar that is not finite.
    public func checkFinite(name: String) throws(CheckpointError) {
        guard let index = firstNonFiniteIndex else { return }
        throw .nonFinite(name: name, index: index, value: withUnsafeScalars { "\($0[index])" })
    }
}
