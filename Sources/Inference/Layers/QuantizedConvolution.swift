/// Computes ``Conv2d`` in bytes, by the definition; see ``ByteWindows``.
///
/// The result is the same to the bit on every instruction set, for every block size and number of threads.
struct QuantizedConvolution: Operation {
    let name = "int8"
    let productType = ProductType.int8
    private let windows: ByteWindows

    /// The largest unfolded matrix. It should stay in a core's L2 cache beside the kernels. Units: bytes.
    private(set) var setting = Self.rowLimits[0]

    /// The sizes of the unfolded matrix that are measured, the default first. Units: bytes.
    private static let rowLimits = [256 << 10, 64 << 10]

    init(windows: ByteWindows) { self.windows = windows }

    private var geometry: ConvolutionGeometry { windows.geometry }
    var multiplyAddCount: Int { geometry.multiplyAddCount }
    var weightByteCount: Int { windows.kernelByteCount }

    func variants(batchSize: Int) -> [any Operation] {
        Self.rowLimits.dropFirst().compactMap {
            var variant = self
            variant.setting = $0
            return variant.largestBlock == largestBlock ? nil : variant
        }
    }

    /// The most output positions in a block.
    private var largestBlock: Int { min(geometry.positions, max(24, setting / windows.rowByteCount)) }

    /// The quantized batch, which all threads share, followed by one thread's unfolded rows.
    func scratchByteCount(batchSize: Int) -> Int {
        batchSize * windows.imageByteCount + ByteWindows.slack + windows.rowsByteCount(windowCount: largestBlock)
    }

    func run(_ run: OperationRun) {
        nonisolated(unsafe) let bytes = windows.quantizedBatch(run)
        let blockSize = blockSize(imageCount: run.batchSize * geometry.groups, threadCount: run.threadCount)
        let blocksPerImage = (geometry.positions + blockSize - 1) / blockSize
        run.parallelFor(run.batchSize * geometry.groups * blocksPerImage) { index, slot in
            let first = index % blocksPerImage * blockSize
            windows.compute(
                run, image: index / blocksPerImage / geometry.groups, group: index / blocksPerImage % geometry.groups,
                positions: first..<min(first + blockSize, geometry.positions), of: windows.wholeOutput, bytes,
                rows: windows.scratch(run, slot: slot))
        }
    }

    /// The size of a block that leaves work for every thread. Units: output positions.
    private func blockSize(imageCount: Int, threadCount: Int) -> Int {
        guard imageCount < threadCount else { return largestBlock }
        let share = (geometry.positions * imageCount + threadCount - 1) / threadCount
        return min(largestBlock, max(share, 12))
    }
}
