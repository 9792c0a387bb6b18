import Algorithms
import CKernels
import Files
import Threads

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
    private let tiling: WinogradTiling

    /// Tiles that are multiplied together: enough that streaming the kernels from memory hides behind the products.
    private static let blockSize = 72
    /// Kernels larger than this are divided between threads rather than read by each. Units: bytes.
    private static let largeKernels = 4 << 20

    /// One way for each size of tile; none where the kernel is none that the transforms know.
    static func algorithms(
        layer: Conv2d, geometry: ConvolutionGeometry, activation: Activation?
    ) -> [Algorithm] {
        WinogradTiling.all(geometry).map { tiling in
            Algorithm(
                name: name(tiling.tile), cost: tiling.cost,
                relativeError: {
                    ConvolutionError(layer: layer, geometry: geometry)
                        .largest(of: $0, isRectified: activation == .relu, workers: $1)
                }
            ) { workers, memory in
                Self(
                    layer: layer, geometry: geometry, activation: activation, tiling: tiling, workers: workers,
                    memory: memory)
            }
        }
    }

    private static func name(_ tile: WinogradTile) -> String { "winograd-\(tile.outputExtent)x\(tile.outputExtent)" }

    private init(
        layer: Conv2d, geometry: ConvolutionGeometry, activation: Activation?, tiling: WinogradTiling,
        workers: WorkerPool, memory: BufferPool?
    ) {
        let tile = tiling.tile
        name = Self.name(tile)
        self.layer = layer
        self.geometry = geometry
        self.activation = activation
        self.tiling = tiling
        let phased = Self.phases(
            of: layer.weight, stride: tiling.stride, kernelExtent: tile.kernelExtent, memory: memory)
        filters = phased.withUnsafeScalars { weight in
            guard let weight = weight.baseAddress else { return [] }
            let groupSize = geometry.outputsPerGroup * tiling.depth * tile.kernelExtent * tile.kernelExtent
            return (0..<geometry.groups).map {
                WinogradFilters(
                    tile: tile, weight: weight + $0 * groupSize, outputs: geometry.outputsPerGroup, depth: tiling.depth,
                    workers: workers, memory: memory)
            }
        }
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

    private var widestBlock: Int { filters.first?.widestBlock ?? 0 }

    /// Rows of tiles of all images that are worked on together.
    private var rowsPerBlock: Int { max(1, Self.blockSize / tiling.columns) }

    /// Small kernels are read by each thread, for rows of its own.
    private func blockCount(rowCount: Int, threadCount: Int) -> Int {
        let count = (rowCount + rowsPerBlock - 1) / rowsPerBlock
        return count < threadCount && kernelByteCount <= Self.largeKernels ? min(threadCount, rowCount) : count
    }

    /// Of one group, transformed.
    private var kernelByteCount: Int {
        tiling.tile.placeCount * tiling.depth * geometry.outputsPerGroup * MemoryLayout<Float>.stride
    }

    /// One thread's memory. Units: floats.
    private struct Scratch {
        let zeros: Int
        let phases: Int
        let transformed: Int
        let products: Int
        let count: Int
    }

    private var scratch: Scratch {
        let tiles = rowsPerBlock * tiling.columns
        let phases = ArenaLayout.align(tiling.paddedDepth)
        let transformed = phases + ArenaLayout.align(tiling.phaseCount)
        let products =
            transformed + tiling.tile.placeCount * tiling.placeStride(tileCount: tiles, width: tiling.paddedDepth)
        return Scratch(
            zeros: 0, phases: phases, transformed: transformed, products: products,
            count: products + tiling.tile.placeCount * tiling.placeStride(tileCount: tiles, width: widestBlock))
    }

    var weightByteCount: Int { filters.reduce(0) { $0 + $1.byteCount } }

    func scratchByteCount(batchSize: Int) -> Int { scratch.count * MemoryLayout<Float>.stride }

    func run(_ run: OperationRun) {
        let rowCount = run.batchSize * tiling.rows
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
        zeros.update(repeating: 0, count: tiling.paddedDepth)
        let tileCount = rows.count * tiling.columns
        let transformedStride = tiling.placeStride(tileCount: tileCount, width: tiling.paddedDepth)
        for (index, row) in rows.enumerated() {
            let image = run.input() + row / tiling.rows * geometry.height * geometry.width * geometry.inputChannels
            tiling.transform(
                image, group: group, row: row % tiling.rows, zeros: zeros, phases: memory + scratch.phases,
                into: transformed + index * tiling.columns * tiling.paddedDepth, placeStride: transformedStride)
        }
        let productStride = tiling.placeStride(tileCount: tileCount, width: widestBlock)
        for block in channelBlocks {
            for place in 0..<tiling.tile.placeCount {
                filters[group].multiply(
                    block: block, place: place, transformed + place * transformedStride, stride: tiling.paddedDepth,
                    tileCount: tileCount, into: products + place * productStride)
            }
            let outputs = filters[group].outputs(ofBlock: block)
            for (index, row) in rows.enumerated() {
                transformBack(
                    products + index * tiling.columns * widestBlock, placeStride: productStride, run, row: row,
                    firstOutput: group * geometry.outputsPerGroup + outputs.lowerBound, count: outputs.count)
            }
        }
    }

    /// One row of tiles of some channels of the output.
    private func transformBack(
        _ products: UnsafePointer<Float>, placeStride: Int, _ run: OperationRun, row: Int, firstOutput: Int, count: Int
    ) {
        let (image, tileRow) = (row / tiling.rows, row % tiling.rows)
        var tiles = tiling.outputTiles
        layer.bias.withUnsafeScalars { bias in
            guard let bias = bias.baseAddress else { return }
            kernel_winograd_output(
                products, placeStride, widestBlock, &tiles, tileRow, count, bias + firstOutput, activation == .relu,
                run.output + image * geometry.positions * geometry.outputChannels + firstOutput)
        }
    }
}
