import Algorithms
import CKernels

/// A convolution by Winograd's minimal filtering: 2 to 6 times fewer multiplications than its definition has, paid for
/// with additions.
///
/// A stride s is taken apart into phases: the input's rows and columns are dealt out to s·s times as many channels, over
/// which the convolution is one of stride 1 and of a kernel s times smaller. AlexNet's first, 11×11 with stride 4 over 3
/// channels, becomes 3×3 over 48.
///
/// Some rows of tiles are transformed, a vector of channels at a time, and multiplied with the transformed kernels by one
/// matrix product for each place of a tile; the products are transformed back with bias and activation in the last step.
/// Threads share the rows of tiles, and where there are fewer than threads the output channels too.
/// - Source: Lavin and Gray 2015, arXiv:1509.09308.
struct WinogradConvolution: Operation {
    let name: String
    private let layer: Conv2d
    private let geometry: ConvolutionGeometry
    private let activation: Activation?
    /// One for each group.
    private let filters: [WinogradFilters]
    private let tile: WinogradTile
    private let tileRows: Int
    private let tileColumns: Int

    /// Tiles that are multiplied together: enough that streaming the kernels from memory hides behind the products.
    private static let blockSize = 72
    /// Kernels larger than this are divided between threads rather than read by each. Units: bytes.
    private static let largeKernels = 4 << 20
    private static let lanes = Int(KERNEL_PANEL_COLUMNS)

    /// One way for each size of tile; none where the kernel is none that the transforms know.
    static func algorithms(
        layer: Conv2d, geometry: ConvolutionGeometry, activation: Activation?
    ) -> [Algorithm] {
        let window = layer.window
        let stride = window.stride.height
        guard window.kernelSize.height == window.kernelSize.width, stride == window.stride.width else { return [] }
        let kernelExtent = (window.kernelSize.height + stride - 1) / stride
        return WinogradTile.all(kernelExtent: kernelExtent).map { tile in
            let depth = geometry.inputsPerGroup * stride * stride
            let tiles = count(geometry.outputHeight, tile) * count(geometry.outputWidth, tile)
            // A place of a channel is read, transformed and written: about thirty products' worth.
            let perPlace = depth * geometry.outputsPerGroup + 30 * (depth + geometry.outputsPerGroup)
            return Algorithm(
                name: name(tile), cost: Double(tiles * tile.placeCount * perPlace * geometry.groups),
                relativeError: {
                    ConvolutionError(layer: layer, geometry: geometry)
                        .largest(of: $0, isRectified: activation == .relu, workers: $1)
                }
            ) { workers, memory in
                Self(
                    layer: layer, geometry: geometry, activation: activation, tile: tile, workers: workers,
                    memory: memory)
            }
        }
    }

    private static func name(_ tile: WinogradTile) -> String { "winograd-\(tile.outputExtent)x\(tile.outputExtent)" }

    private static func count(_ extent: Int, _ tile: WinogradTile) -> Int {
        (extent + tile.outputExtent - 1) / tile.outputExtent
    }

    private init(
        layer: Conv2d, geometry: ConvolutionGeometry, activation: Activation?, tile: WinogradTile,
        workers: WorkerPool, memory: BufferPool?
    ) {
        name = Self.name(tile)
        self.layer = layer
        self.geometry = geometry
        self.activation = activation
        self.tile = tile
        let stride = layer.window.stride.height
        let depth = geometry.inputsPerGroup * stride * stride
        let phased = Self.phases(
            of: layer.weight, stride: stride, kernelExtent: tile.kernelExtent, memory: memory)
        filters = phased.withUnsafeScalars { weight in
            guard let weight = weight.baseAddress else { return [] }
            let groupSize = geometry.outputsPerGroup * depth * tile.kernelExtent * tile.kernelExtent
            return (0..<geometry.groups).map {
                WinogradFilters(
                    tile: tile, weight: weight + $0 * groupSize, outputs: geometry.outputsPerGroup, depth: depth,
                    workers: workers, memory: memory)
            }
        }
        tileRows = Self.count(geometry.outputHeight, tile)
        tileColumns = Self.count(geometry.outputWidth, tile)
    }

    /// Deals the kernels' rows and columns out to one channel a phase, in the order of ``kernel_space_to_depth``.
    ///
    /// Shape: weight `[O, I, K, K]`, result `[O, stride·stride·I, kernelExtent, kernelExtent]`, zero behind the kernel's edge.
    private static func phases(
        of weight: Tensor, stride: Int, kernelExtent: Int, memory: BufferPool?
    ) -> Tensor {
        guard stride > 1 else { return weight }
        let (outputs, inputs, extent) = (weight.shape[0], weight.shape[1], weight.shape[2])
        return Tensor([outputs, stride * stride * inputs, kernelExtent, kernelExtent], from: memory) { phased in
            phased.initialize(repeating: 0)
            weight.withUnsafeScalars { kernels in
                for (output, input) in product(0..<outputs, 0..<inputs) {
                    for (y, x) in product(0..<extent, 0..<extent) {
                        let channel = ((output * stride + y % stride) * stride + x % stride) * inputs + input
                        let place = (channel * kernelExtent + y / stride) * kernelExtent + x / stride
                        phased[place] = kernels[((output * inputs + input) * extent + y) * extent + x]
                    }
                }
            }
        }
    }

    var multiplyAddCount: Int { geometry.multiplyAddCount }

    /// How many phases each row and each column has.
    private var stride: Int { geometry.window.stride.height }

    /// Channels of a group, each phase counted as one.
    private var depth: Int { geometry.inputsPerGroup * stride * stride }

    /// The channels of a transformed tile, in whole vectors.
    private var paddedDepth: Int { (depth + Self.lanes - 1) / Self.lanes * Self.lanes }

    private var widestBlock: Int { filters.first?.widestBlock ?? 0 }

    /// Rows of tiles of all images that are worked on together.
    private var rowsPerBlock: Int { max(1, Self.blockSize / tileColumns) }

    /// Small kernels are read by each thread, for rows of its own.
    private func blockCount(rowCount: Int, threadCount: Int) -> Int {
        let count = (rowCount + rowsPerBlock - 1) / rowsPerBlock
        return count < threadCount && kernelByteCount <= Self.largeKernels ? min(threadCount, rowCount) : count
    }

    /// Of one group, transformed.
    private var kernelByteCount: Int {
        tile.placeCount * depth * geometry.outputsPerGroup * MemoryLayout<Float>.stride
    }

    /// From one place's transformed tiles to the next's: off by a cache line, so that the places of a tile do not all fall
    /// into the same set of the cache.
    private func placeStride(tileCount: Int, width: Int) -> Int { tileCount * width + Self.lanes }

    /// One thread's memory. Units: floats.
    private struct Scratch {
        let zeros: Int
        let phases: Int
        let transformed: Int
        let products: Int
        let count: Int
    }

    private var scratch: Scratch {
        let tiles = rowsPerBlock * tileColumns
        let phases = ArenaLayout.align(paddedDepth)
        let transformed = phases + (stride == 1 ? 0 : ArenaLayout.align(tile.extent * phaseColumns * depth))
        let products = transformed + tile.placeCount * placeStride(tileCount: tiles, width: paddedDepth)
        return Scratch(
            zeros: 0, phases: phases, transformed: transformed, products: products,
            count: products + tile.placeCount * placeStride(tileCount: tiles, width: widestBlock))
    }

    /// The columns of phases under a row of tiles.
    private var phaseColumns: Int { tileColumns * tile.outputExtent + tile.kernelExtent - 1 }

    func scratchByteCount(batchSize: Int) -> Int { scratch.count * MemoryLayout<Float>.stride }

    func run(_ run: OperationRun) {
        let rowCount = run.batchSize * tileRows
        let blockCount = blockCount(rowCount: rowCount, threadCount: run.threadCount)
        // Threads without rows of their own take a share of the output channels; transforming the inputs once more is
        // cheap beside the products.
        let units = blockCount * geometry.groups
        let channelBlocks = filters.first?.blockCount ?? 1
        let shares = units < run.threadCount ? min(channelBlocks, (run.threadCount + units - 1) / units) : 1
        run.parallelFor(units * shares) { index, slot in
            let (unit, share) = (index / shares, index % shares)
            let block = unit % blockCount
            convolve(
                run, group: unit / blockCount,
                rows: block * rowCount / blockCount..<(block + 1) * rowCount / blockCount,
                channelBlocks: share * channelBlocks / shares..<(share + 1) * channelBlocks / shares,
                memory: run.scratch(slot: slot))
        }
    }

    /// Computes some blocks of output channels of a group for some rows of tiles, counted through all images.
    private func convolve(
        _ run: OperationRun, group: Int, rows: Range<Int>, channelBlocks: Range<Int>,
        memory: UnsafeMutablePointer<Float>
    ) {
        let scratch = scratch
        let (zeros, transformed, products) =
            (memory + scratch.zeros, memory + scratch.transformed, memory + scratch.products)
        zeros.update(repeating: 0, count: paddedDepth)
        let tileCount = rows.count * tileColumns
        let transformedStride = placeStride(tileCount: tileCount, width: paddedDepth)
        for (index, row) in rows.enumerated() {
            transform(
                run, group: group, row: row, zeros: zeros, phases: memory + scratch.phases,
                into: transformed + index * tileColumns * paddedDepth, placeStride: transformedStride)
        }
        let productStride = placeStride(tileCount: tileCount, width: widestBlock)
        for block in channelBlocks {
            for place in 0..<tile.placeCount {
                filters[group].multiply(
                    block: block, place: place, transformed + place * transformedStride, stride: paddedDepth,
                    tileCount: tileCount, into: products + place * productStride)
            }
            let outputs = filters[group].outputs(ofBlock: block)
            for (index, row) in rows.enumerated() {
                transformBack(
                    products + index * tileColumns * widestBlock, placeStride: productStride, run, row: row,
                    firstOutput: group * geometry.outputsPerGroup + outputs.lowerBound, count: outputs.count)
            }
        }
    }

    /// One row of tiles of the input.
    private func transform(
        _ run: OperationRun, group: Int, row: Int, zeros: UnsafePointer<Float>, phases: UnsafeMutablePointer<Float>,
        into transformed: UnsafeMutablePointer<Float>, placeStride: Int
    ) {
        let pixels = geometry.height * geometry.width
        let (image, tileRow) = (row / tileRows, row % tileRows)
        let input = run.input() + image * pixels * geometry.inputChannels + group * geometry.inputsPerGroup
        let padding = geometry.window.padding
        if stride == 1 {
            var tiles = kernel_winograd_tiles(
                extent: Int32(tile.extent), output_extent: Int32(tile.outputExtent), height: geometry.height,
                width: geometry.width, pixel_stride: geometry.inputChannels, padding_height: padding.height,
                padding_width: padding.width, tile_columns: tileColumns)
            kernel_winograd_input(
                input, &tiles, tileRow, depth, zeros, transformed, placeStride, paddedDepth)
        } else {
            kernel_space_to_depth(
                input, geometry.height, geometry.width, geometry.inputsPerGroup, geometry.inputChannels, stride,
                padding.height, padding.width, tileRow * tile.outputExtent, tile.extent, phaseColumns, phases)
            var tiles = kernel_winograd_tiles(
                extent: Int32(tile.extent), output_extent: Int32(tile.outputExtent), height: tile.extent,
                width: phaseColumns, pixel_stride: depth, padding_height: 0, padding_width: 0,
                tile_columns: tileColumns)
            kernel_winograd_input(phases, &tiles, 0, depth, zeros, transformed, placeStride, paddedDepth)
        }
    }

    /// One row of tiles of some channels of the output.
    private func transformBack(
        _ products: UnsafePointer<Float>, placeStride: Int, _ run: OperationRun, row: Int, firstOutput: Int, count: Int
    ) {
        let (image, tileRow) = (row / tileRows, row % tileRows)
        var tiles = kernel_winograd_tiles(
            extent: Int32(tile.extent), output_extent: Int32(tile.outputExtent), height: geometry.outputHeight,
            width: geometry.outputWidth, pixel_stride: geometry.outputChannels, padding_height: 0, padding_width: 0,
            tile_columns: tileColumns)
        layer.bias.withUnsafeScalars { bias in
            guard let bias = bias.baseAddress else { return }
            kernel_winograd_output(
                products, placeStride, widestBlock, &tiles, tileRow, count, bias + firstOutput, activation == .relu,
                run.output + image * geometry.positions * geometry.outputChannels + firstOutput)
        }
    }
}
