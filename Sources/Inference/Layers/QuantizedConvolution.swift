/// Computes ``Conv2d`` in bytes, by the definition; see ``ByteWindows``.
///
/// The result is the same to the bit on every instruction set, for every block size and number of threads.
struct QuantizedConvolution: Operation {
    let name = "int8"
    let productType = ProductType.int8
    private let windows: ByteWindows

    /// The largest unfolded matrix. Units: bytes.
    private(set) var setting = Self.rowLimits[0]

    /// The sizes of the unfolded matrix that are measured, the default first: for the L2 cache beside the kernels, and for the
    /// L1 cache while all kernels pass; the largest, where the kernels are read from memory. Units: bytes.
    private static let rowLimits = [256 << 10, 64 << 10, 24 << 10, 1 << 20]

    /// The rows that the kernels multiply at once on AVX-512. Units: output positions.
    private static let tileRows = 12

    init(windows: ByteWindows) { self.windows = windows }

    private var geometry: ConvolutionGeometry { windows.geometry }
    var multiplyAddCount: Int { geometry.multiplyAddCount }
    var weightByteCount: Int { windows.kernelByteCount }

    func variants(batchSize: Int) -> [any Operation] {
        Self.rowLimits.dropFirst().compactMap {
            var variant = self
            variant.setting = $0
            return variant.largestBlock(batchSize) == largestBlock(batchSize) ? nil : variant
        }
    }

    /// The most output positions in a block, counted through all images.
    private func largestBlock(_ batchSize: Int) -> Int {
        min(batchSize * geometry.positions, max(Self.tileRows, setting / windows.rowByteCount))
    }

    /// The quantized batch, which all threads share, followed by one thread's unfolded rows.
    func scratchByteCount(batchSize: Int) -> Int {
        batchSize * windows.imageByteCount + ByteWindows.slack
            + windows.rowsByteCount(windowCount: largestBlock(batchSize))
    }

    func run(_ run: OperationRun) {
        nonisolated(unsafe) let bytes = windows.quantizedBatch(run)
        let rowCount = run.batchSize * geometry.positions
        // Threads share the kernels, or else the positions, so that each reads less of what is larger.
        let sharesKernels =
            run.threadCount > 1 && windows.kernelByteCount > run.batchSize * windows.imageByteCount
        let panelCount = windows.kernels.first?.panelCount ?? 0
        let shares = sharesKernels ? min(run.threadCount, panelCount) : 1
        let blockCount = BlockCount.of(
            rows: rowCount, most: largestBlock(run.batchSize), least: Self.tileRows, units: geometry.groups,
            threadCount: sharesKernels ? 1 : run.threadCount)
        run.parallelFor(geometry.groups * blockCount * shares) { index, slot in
            let (share, unit) = (index % shares, index / shares)
            let (group, block) = (unit / blockCount, unit % blockCount)
            windows.compute(
                run, group: group, panels: panelCount * share / shares..<panelCount * (share + 1) / shares,
                positions: rowCount * block / blockCount..<rowCount * (block + 1) / blockCount, bytes,
                rows: windows.scratch(run, slot: slot))
        }
    }
}
