import CKernels
import Files
import Threads

/// A convolution's transformed kernels in the order in which they are multiplied: for each block of output channels one
/// matrix a place of a tile, each in panels as ``kernel_multiply_panels`` reads them, all one behind the other.
struct WinogradFilters: Sendable {
    let tile: WinogradTile
    private let outputs: Int
    private let depth: Int
    private let panels: Tensor

    private static let panelColumns = Int(KERNEL_PANEL_COLUMNS)
    /// The output channels of a block: few enough that their products for some tiles stay in the second-level cache.
    private static let blockSize = 4 * panelColumns

    /// Transforms and packs the kernels of one group.
    ///
    /// Shape: weight `[outputs, depth, r, r]`.
    init(
        tile: WinogradTile, weight: UnsafePointer<Float>, outputs: Int, depth: Int, workers: WorkerPool,
        memory: BufferPool?
    ) {
        self.tile = tile
        self.outputs = outputs
        self.depth = depth
        nonisolated(unsafe) let weight = weight
        let blockCount = (outputs + Self.blockSize - 1) / Self.blockSize
        let panelCount = (outputs + Self.panelColumns - 1) / Self.panelColumns
        panels = Tensor([tile.placeCount, panelCount, depth, Self.panelColumns], from: memory) { packed in
            nonisolated(unsafe) let packed = packed
            workers.parallelFor(blockCount) { block, _ in
                let first = block * Self.blockSize
                let count = min(Self.blockSize, outputs - first)
                withUnsafeTemporaryAllocation(of: Float.self, capacity: tile.placeCount * count * depth) { kernels in
                    guard let kernels = kernels.baseAddress, let packed = packed.baseAddress else { return }
                    tile.transform(
                        weight + first * depth * tile.kernelExtent * tile.kernelExtent, count: count * depth,
                        into: kernels)
                    let columns = (count + Self.panelColumns - 1) / Self.panelColumns * Self.panelColumns
                    for place in 0..<tile.placeCount {
                        kernel_pack_panels(
                            kernels + place * count * depth, count, depth,
                            packed + (tile.placeCount * first + place * columns) * depth)
                    }
                }
            }
        }
    }

    /// Units: bytes.
    var byteCount: Int { panels.shape.elementCount * MemoryLayout<Float>.stride }

    /// How many blocks the output channels make.
    var blockCount: Int { (outputs + Self.blockSize - 1) / Self.blockSize }

    /// The most channels that a block has, those of a partly empty panel included.
    var widestBlock: Int { min(Self.blockSize, paddedCount(outputs)) }

    /// The output channels of a block.
    func outputs(ofBlock block: Int) -> Range<Int> {
        block * Self.blockSize..<min((block + 1) * Self.blockSize, outputs)
    }

    private func paddedCount(_ count: Int) -> Int {
        (count + Self.panelColumns - 1) / Self.panelColumns * Self.panelColumns
    }

    /// The products of transformed tiles with one block's kernels at one place.
    ///
    /// Shape: tiles `[tileCount, depth]` with rows `stride` apart, output `[tileCount, widestBlock]`.
    func multiply(
        block: Int, place: Int, _ tiles: UnsafePointer<Float>, stride: Int, tileCount: Int,
        into output: UnsafeMutablePointer<Float>
    ) {
        let range = outputs(ofBlock: block)
        let columns = paddedCount(range.count)
        panels.withUnsafeScalars { panels in
            guard let panels = panels.baseAddress else { return }
            kernel_multiply_panels(
                tiles, stride, tileCount, panels + (tile.placeCount * range.lowerBound + place * columns) * depth,
                columns / Self.panelColumns, depth, output, widestBlock)
        }
    }
}
