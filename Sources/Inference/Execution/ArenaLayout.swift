/// Gives each value of a plan its place in the arena, so that values which are never alive together share memory.
package struct ArenaLayout {
    private struct Block {
        let offset: Int
        let count: Int
        let lastUse: Int
    }

    /// Units: floats. A cache line, so that no two values share one.
    private static let alignment = 16
    private var blocks: [Block] = []
    /// How much memory all values need. Units: floats.
    package private(set) var count = 0

    /// A layout of nothing.
    package init() {}

    /// Places a value by first fit.
    ///
    /// - Parameters:
    ///   - count: Units: floats.
    ///   - step: the step that writes the value.
    ///   - lastUse: the last step that reads it.
    /// - Returns: its offset. Units: floats.
    package mutating func place(count: Int, at step: Int, lastUse: Int) -> Int {
        let aligned = Self.align(count)
        blocks.removeAll { $0.lastUse < step }
        blocks.sort { $0.offset < $1.offset }
        var offset = 0
        for block in blocks {
            if block.offset - offset >= aligned { break }
            offset = max(offset, block.offset + block.count)
        }
        blocks.append(Block(offset: offset, count: aligned, lastUse: lastUse))
        self.count = max(self.count, offset + aligned)
        return offset
    }

    /// The floats that hold so many bytes, in whole cache lines.
    package static func align(byteCount: Int) -> Int {
        align((byteCount + MemoryLayout<Float>.stride - 1) / MemoryLayout<Float>.stride)
    }

    /// Units: floats.
    package static func align(_ count: Int) -> Int { (count + alignment - 1) / alignment * alignment }
}
