import CKernels
import Threads

/// Computes ``Conv2d`` in integers by Winograd's minimal filtering, without any error: its sums are those of the definition.
/// It takes 2 to 4 times fewer multiplications, of 16-bit integers, and some more additions.
///
/// See `integer_winograd.h` for the arithmetic, and ``WinogradConvolution`` for the order of the work. The result is that
/// of ``QuantizedConvolution`` to the bit.
struct QuantizedWinogradConvolution: Operation {
    var name: String { Self.algorithmName }
    let productType = ProductType.int16
    private let windows: ByteWindows
    private let tiling: IntegerWinogradTiling
    /// The transformed kernels of each group.
    private let filters: [IntegerWinogradFilters]
    /// The number of tiles multiplied together. With more, the kernels are read from memory less often; with fewer, the
    /// transformed tiles stay in a closer cache.
    private(set) var setting = Self.blockSizes[0]

    /// The numbers of tiles that are measured, the default first.
    private static let blockSizes = [72, 36, 144]
    private static let algorithmName = "int8-winograd"

    /// The algorithm; nil where it cannot compute a layer, or not exactly.
    static func algorithm(
        layer: Conv2d, geometry: ConvolutionGeometry, windows: @escaping @Sendable () -> ByteWindows
    ) -> Algorithm? {
        guard let tiling = IntegerWinogradTiling(geometry), layer.largestByteSum < Double(KERNEL_INTEGER_TILE_LIMIT)
        else { return nil }
        return Algorithm(name: algorithmName, cost: tiling.cost, batchCost: tiling.batchCost) { workers, _ in
            Self(layer: layer, windows: windows(), tiling: tiling, workers: workers)
        }
    }

    private init(layer: Conv2d, windows: ByteWindows, tiling: IntegerWinogradTiling, workers: WorkerPool) {
        self.windows = windows
        self.tiling = tiling
        // The largest weight of each output is the same, and so are all numbers.
        let kernels =
            tiling.stride == 1
            ? windows.kernels
            : Conv2d(
                weight: WinogradConvolution.phases(
                    of: layer.weight, stride: tiling.stride, kernelExtent: tiling.kernelSize.height, memory: nil),
                bias: nil, groups: layer.groups
            ).byteKernels(input: windows.input)
        filters = kernels.map { IntegerWinogradFilters(tiling: tiling, kernels: $0, workers: workers) }
    }

    private var geometry: ConvolutionGeometry { windows.geometry }
    var multiplyAddCount: Int { geometry.multiplyAddCount }
    /// The 8-bit products of the rest are counted by the time that they take.
    var performedMultiplyAddCount: Int {
        tiling.int16MultiplyAddCount + Int(Double(tiling.int8MultiplyAddCount) / kernel_int16_product_cost())
    }
    var weightByteCount: Int { windows.kernelByteCount + filters.reduce(0) { $0 + $1.byteCount } }
    var readWeightByteCount: Int { tiling.rest.isEmpty ? weightByteCount - windows.kernelByteCount : weightByteCount }

    func variants(batchSize: Int) -> [any Operation] {
        // Blocks larger than the batch are all alike.
        let tileCount = batchSize * tiling.rows * tiling.columns
        return Self.blockSizes.dropFirst().filter { min($0, setting) < tileCount }.map {
            var variant = self
            variant.setting = $0
            return variant
        }
    }

    /// The number of rows of tiles in a block, counted through all images.
    private var rowsPerBlock: Int { max(1, setting / tiling.columns) }

    /// The layout of one thread's scratch memory, after the quantized batch. The rows of the rest share the memory of the
    /// transformed tiles. Units: bytes.
    private struct Scratch {
        /// The size of one tile at one place, and of a block's tiles at one place. Units: 16-bit integers.
        let tileStride: Int
        let placeStride: Int
        /// The size of a block's products at one place. Units: 32-bit integers.
        let productStride: Int
        /// The bytes of a pixel in the padding; with a stride, the phases.
        let pixels: Int
        let products: Int
        let byteCount: Int

        init(tiling: IntegerWinogradTiling, rowsPerBlock: Int, widestBlock: Int, rowsByteCount: Int) {
            let tileCount = rowsPerBlock * tiling.columns
            let placeCount = IntegerWinogradTiling.placeCount
            tileStride = tiling.mostParts * tiling.partDepth
            // An extra cache line, so that the places of a tile do not all map to the same cache set.
            placeStride = tileCount * tileStride + 32
            productStride = tileCount * widestBlock + 16
            let tiles = max(placeCount * placeStride * MemoryLayout<Int16>.stride, rowsByteCount)
            pixels = Self.aligned(tiles)
            products =
                pixels + Self.aligned(max(tiling.channels, tiling.phaseByteCount) + Int(KERNEL_INTEGER_TILE_SLACK))
            byteCount = products + placeCount * productStride * MemoryLayout<Int32>.stride
        }

        /// Rounded up to whole cache lines.
        private static func aligned(_ byteCount: Int) -> Int { (byteCount + 63) / 64 * 64 }
    }

    private var scratch: Scratch {
        Scratch(
            tiling: tiling, rowsPerBlock: rowsPerBlock, widestBlock: filters.first?.widestBlock ?? 0,
            rowsByteCount: windows.rowsByteCount(windowCount: tiling.rest.map(\.count).max() ?? 0))
    }

    func scratchByteCount(batchSize: Int) -> Int {
        batchSize * windows.imageByteCount + ByteWindows.slack + scratch.byteCount + 64
    }

    func run(_ run: OperationRun) {
        nonisolated(unsafe) let bytes = windows.quantizedBatch(run)
        let rowCount = run.batchSize * tiling.rows
        let channelBlocks = filters.first?.blockCount ?? 1
        let blockCount = blockCount(rowCount: rowCount, channelBlocks: channelBlocks, threadCount: run.threadCount)
        // Threads without rows of their own take a share of the output channels. They repeat the input transform, which
        // is cheap beside the products.
        let units = blockCount * geometry.groups
        let shares = units < run.threadCount ? min(channelBlocks, (run.threadCount + units - 1) / units) : 1
        let restCount = tiling.rest.isEmpty ? 0 : run.batchSize * geometry.groups
        run.parallelFor(units * shares + restCount) { index, slot in
            let memory = Self.aligned(windows.scratch(run, slot: slot))
            guard index < units * shares else {
                let index = index - units * shares
                return computeRest(
                    run, image: index / geometry.groups, group: index % geometry.groups, bytes, memory: memory)
            }
            let (unit, share) = (index / shares, index % shares)
            let block = unit % blockCount
            convolve(
                run, group: unit / blockCount,
                rows: block * rowCount / blockCount..<(block + 1) * rowCount / blockCount,
                channelBlocks: share * channelBlocks / shares..<(share + 1) * channelBlocks / shares, bytes,
                memory: memory)
        }
    }

    /// The number of blocks of rows. With few, it is rows or output channels that threads share, whichever they can share
    /// more evenly.
    private func blockCount(rowCount: Int, channelBlocks: Int, threadCount: Int) -> Int {
        let count = (rowCount + rowsPerBlock - 1) / rowsPerBlock
        guard count * geometry.groups < threadCount else {
            return BlockCount.of(rows: rowCount, most: rowsPerBlock, units: geometry.groups, threadCount: threadCount)
        }
        func largestShare(of parts: Int) -> Double {
            Double((parts + threadCount - 1) / threadCount) / Double(parts)
        }
        return largestShare(of: rowCount) < largestShare(of: channelBlocks) ? min(threadCount, rowCount) : count
    }

    private static func aligned(_ memory: UnsafeMutablePointer<UInt8>) -> UnsafeMutableRawPointer {
        UnsafeMutableRawPointer(memory).alignedUp(toMultipleOf: 64)
    }

    /// Computes what no tile covers of a group's output for one image.
    private func computeRest(
        _ run: OperationRun, image: Int, group: Int, _ bytes: UnsafePointer<UInt8>, memory: UnsafeMutableRawPointer
    ) {
        for rectangle in tiling.rest {
            windows.compute(
                run, image: image, group: group, rectangle: rectangle, bytes,
                rows: memory.assumingMemoryBound(to: UInt8.self))
        }
    }

    /// Computes some blocks of a group's output channels for some rows of tiles, counted through all images.
    private func convolve(
        _ run: OperationRun, group: Int, rows: Range<Int>, channelBlocks: Range<Int>, _ bytes: UnsafePointer<UInt8>,
        memory: UnsafeMutableRawPointer
    ) {
        let scratch = scratch
        let transformed = memory.assumingMemoryBound(to: Int16.self)
        let pixels = (memory + scratch.pixels).assumingMemoryBound(to: UInt8.self)
        let places = tiling.parts.indices.map { self.places(ofPart: $0, placeStride: scratch.placeStride) }
        if tiling.stride == 1 {
            pixels.update(
                repeating: windows.input.zeroPoint, count: tiling.channels + Int(KERNEL_INTEGER_TILE_SLACK))
        }
        for (index, row) in rows.enumerated() {
            let image = bytes + row / tiling.rows * windows.imageByteCount + group * geometry.inputsPerGroup
            let row = row % tiling.rows
            let target = transformed + index * tiling.columns * scratch.tileStride
            if tiling.stride > 1 {
                kernel_space_to_depth_bytes(
                    image, geometry.height, geometry.width, geometry.inputsPerGroup, geometry.inputChannels,
                    tiling.stride, geometry.window.padding.height, geometry.window.padding.width,
                    windows.input.zeroPoint, row * IntegerWinogradTiling.outputExtent, tiling.phaseRows,
                    tiling.phaseColumns, pixels)
            }
            for part in tiling.parts.indices {
                var tiles = tiles(ofPart: part, row: row)
                kernel_integer_winograd_input(
                    tiling.stride == 1 ? image : UnsafePointer(pixels), &tiles, tiling.channels, pixels, places[part],
                    scratch.tileStride, target)
            }
        }
        let products = (memory + scratch.products).assumingMemoryBound(to: Int32.self)
        let widestBlock = filters[group].widestBlock
        for block in channelBlocks {
            filters[group].multiply(
                block: block, transformed, placeStride: scratch.placeStride, tileStride: scratch.tileStride,
                tileCount: rows.count * tiling.columns, into: products, outputPlaceStride: scratch.productStride)
            for (index, row) in rows.enumerated() {
                transformBack(
                    products + index * tiling.columns * widestBlock, placeStride: scratch.productStride, run, row: row,
                    group: group, outputs: filters[group].outputs(ofBlock: block))
            }
        }
    }

    /// Where the places of a part's transformed tiles start. Units: 16-bit integers.
    private func places(ofPart part: Int, placeStride: Int) -> [Int] {
        (0..<IntegerWinogradTiling.placeCount).map { place in
            tiling.slot(part: part, place: place).map { place * placeStride + $0 * tiling.partDepth } ?? -1
        }
    }

    /// The pixels that a part reads for a row of tiles: of the image, or of the row's phases.
    private func tiles(ofPart part: Int, row: Int) -> kernel_integer_tiles {
        let part = tiling.parts[part]
        guard tiling.stride == 1 else {
            return kernel_integer_tiles(
                height: tiling.phaseRows, width: tiling.phaseColumns, pixel_stride: tiling.channels, top: part.row,
                left: part.column, tile_columns: tiling.columns)
        }
        let padding = geometry.window.padding
        return kernel_integer_tiles(
            height: geometry.height, width: geometry.width, pixel_stride: geometry.inputChannels,
            top: row * IntegerWinogradTiling.outputExtent + part.row - padding.height,
            left: part.column - padding.width, tile_columns: tiling.columns)
    }

    /// Applies the output transform to the products of one row of tiles, for some output channels.
    private func transformBack(
        _ products: UnsafePointer<Int32>, placeStride: Int, _ run: OperationRun, row: Int, group: Int,
        outputs: Range<Int>
    ) {
        let first = row % tiling.rows * IntegerWinogradTiling.outputExtent
        let place =
            row / tiling.rows * geometry.positions * geometry.outputChannels + group * geometry.outputsPerGroup
        windows.kernels[group].withRescaling(
            of: outputs, into: run.outputMemory.advanced(by: place), outputStride: geometry.outputChannels,
            adding: windows.addends(run, at: place), activation: windows.activation
        ) { rescaling in
            kernel_integer_winograd_output(
                products, placeStride, filters[group].widestBlock, tiling.columns, first, tiling.tiledHeight - first,
                tiling.tiledWidth, geometry.outputWidth, &rescaling)
        }
    }
}
