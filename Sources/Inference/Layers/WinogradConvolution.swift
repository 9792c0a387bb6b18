import CKernels
import Files
import Threads

/// Computes ``Conv2d`` by Winograd's minimal filtering. It takes 2 to 6 times fewer multiplications than the
/// definition, and some more additions.
///
/// A stride s is removed by space-to-depth: the input's rows and columns are distributed over s·s times as many
/// channels, called phases. Over the phases, the convolution has stride 1 and a kernel that is s times smaller.
/// AlexNet's first convolution, 11×11 with stride 4 over 3 channels, becomes 3×3 over 48 channels.
///
/// A block of rows of tiles is transformed, sixteen channels at a time. For each element of a transformed tile, one
/// matrix product multiplies it by the transformed kernels. The output transform also applies bias and activation. The
/// threads share the rows of tiles, and the output channels too if there are fewer rows than threads.
/// - Source: Lavin and Gray 2015, arXiv:1509.09308.
struct WinogradConvolution: Operation {
    let name: String
    private let layer: Conv2d
    private let geometry: ConvolutionGeometry
    private let activation: Activation?
    /// The transformed kernels of each group.
    private let filters: [WinogradFilters]
    private let tiling: WinogradTiling
    /// The number of tiles multiplied together. With more, the kernels are read from memory less often; with fewer, the
    /// transformed tiles stay in a closer cache.
    private(set) var setting = Self.blockSizes[0]

    /// The numbers of tiles that are measured, the default first.
    private static let blockSizes = [72, 36, 144]
    /// Larger kernels are divided among the threads, so that not every thread reads all of them. Units: bytes.
    private static let largeKernels = 4 << 20

    /// One algorithm for each tile size; none if no transform fits the kernel.
    static func algorithms(
        layer: Conv2d, geometry: ConvolutionGeometry, activation: Activation?
    ) -> [Algorithm] {
        WinogradTiling.all(geometry).map { tiling in
            Algorithm(
                name: name(tiling.tile), cost: tiling.cost,
                relativeError: {
                    ConvolutionAccuracy(layer: layer, geometry: geometry)
                        .largest(of: $0, appliesReLU: activation == .relu, workers: $1)
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

    /// Distributes the kernels' rows and columns over the phases, in the order of ``kernel_space_to_depth``.
    ///
    /// Shape: weight `[O, I, K, K]`, result `[O, stride·stride·I, kernelExtent, kernelExtent]`, padded with zeros after
    /// the kernel's edge.
    static func phases(
        of weight: Tensor, stride: Int, kernelExtent: Int, memory: BufferPool?
    ) -> Tensor {
        guard stride > 1 else { return weight }
        let (outputs, inputs, extent) = (weight.shape[0], weight.shape[1], weight.shape[2])
        return Tensor([outputs, stride * stride * inputs, kernelExtent, kernelExtent], from: memory) { phased in
            phased.initialize(repeating: 0)
            weight.withUnsafeScalars { kernels in
                for output in 0..<outputs {
                    for input in 0..<inputs {
                        for y in 0..<extent {
                            for x in 0..<extent {
                                let channel = ((output * stride + y % stride) * stride + x % stride) * inputs + input
                                let place = (channel * kernelExtent + y / stride) * kernelExtent + x / stride
                                phased[place] = kernels[((output * inputs + input) * extent + y) * extent + x]
                            }
                        }
                    }
                }
            }
        }
    }

    var multiplyAddCount: Int { geometry.multiplyAddCount }

    var performedMultiplyAddCount: Int {
        tiling.rows * tiling.columns * tiling.tile.placeCount * tiling.depth * geometry.outputChannels
    }

    private var widestBlock: Int { filters.first?.widestBlock ?? 0 }

    /// The number of rows of tiles in a block, counted through all images.
    private var rowsPerBlock: Int { max(1, setting / tiling.columns) }

    /// The number of blocks. With small kernels each thread has rows of its own and reads all kernels.
    private func blockCount(rowCount: Int, threadCount: Int) -> Int {
        let count = (rowCount + rowsPerBlock - 1) / rowsPerBlock
        guard count >= threadCount || kernelByteCount <= Self.largeKernels else { return count }
        return BlockCount.of(rows: rowCount, most: rowsPerBlock, units: 1, threadCount: threadCount)
    }

    /// The memory of one group's transformed kernels. Units: bytes.
    private var kernelByteCount: Int {
        tiling.tile.placeCount * tiling.depth * geometry.outputsPerGroup * MemoryLayout<Float>.stride
    }

    /// The layout of one thread's scratch memory. Units: floats.
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

    func variants(batchSize: Int) -> [any Operation] {
        // Blocks larger than the batch are all alike.
        let tileCount = batchSize * tiling.rows * tiling.columns
        return Self.blockSizes.dropFirst().filter { min($0, setting) < tileCount }.map {
            var variant = self
            variant.setting = $0
            return variant
        }
    }

    var weightByteCount: Int { filters.reduce(0) { $0 + $1.byteCount } }

    func scratchByteCount(batchSize: Int) -> Int { scratch.count * MemoryLayout<Float>.stride }

    func run(_ run: OperationRun) {
        let rowCount = run.batchSize * tiling.rows
        let blockCount = blockCount(rowCount: rowCount, threadCount: run.threadCount)
        // Threads without rows of their own take a share of the output channels. They repeat the input transform, which
        // is cheap beside the products.
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

    /// Computes some blocks of a group's output channels for some rows of tiles, counted through all images.
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

    /// Applies the output transform to the products of one row of tiles, for some output channels.
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

/// Measures the error of an operation against the convolution's definition, computed in float64.
struct ConvolutionAccuracy {
    let layer: Conv2d
    let geometry: ConvolutionGeometry

    /// The most products summed in float64: enough to sample each element of a tile, and few enough to start quickly.
    private static let productLimit = 2 << 20

    /// The largest error on a sample of outputs for one image of noise, relative to the largest output of the sample.
    ///
    /// - Parameter appliesReLU: whether the operation has a fused ReLU; negative outputs are then zero in both results.
    func largest(of operation: any Operation, appliesReLU: Bool, workers: WorkerPool) -> Double {
        let bench = OperationBench(
            operation: operation, inputs: [.init(count: geometry.inputChannels * geometry.height * geometry.width)],
            output: .init(count: geometry.outputChannels * geometry.positions), batchSize: 1, threadCount: 1,
            workers: workers)
        bench.run()
        let sampleCount = max(16, Self.productLimit / geometry.depth)
        let total = geometry.positions * geometry.outputChannels
        // Channels and width are often even. An odd step then still reaches every channel and every element of a tile.
        let step = max(1, total / sampleCount) | 1
        var (largestError, largest) = (0.0, 0.0)
        for index in stride(from: 0, to: total, by: step) {
            let sum = value(position: index / geometry.outputChannels, channel: index % geometry.outputChannels, bench)
            let expected = appliesReLU ? max(sum, 0) : sum
            largestError = max(largestError, abs(Double(bench.output[index]) - expected))
            largest = max(largest, abs(sum))
        }
        return largest > 0 ? largestError / largest : largestError
    }

    /// One output by the convolution's definition.
    private func value(position: Int, channel: Int, _ bench: OperationBench) -> Double {
        let window = geometry.window
        let (row, column) = (position / geometry.outputWidth, position % geometry.outputWidth)
        let firstInput = channel / geometry.outputsPerGroup * geometry.inputsPerGroup
        let input = bench.input
        return layer.weight.withUnsafeScalars { weight in
            var sum = layer.bias.withUnsafeScalars { Double($0[channel]) }
            for ky in 0..<window.kernelSize.height {
                let y = row * window.stride.height + ky - window.padding.height
                guard 0..<geometry.height ~= y else { continue }
                for kx in 0..<window.kernelSize.width {
                    let x = column * window.stride.width + kx - window.padding.width
                    guard 0..<geometry.width ~= x else { continue }
                    let pixel = (y * geometry.width + x) * geometry.inputChannels + firstInput
                    for c in 0..<geometry.inputsPerGroup {
                        let kernel = (channel * geometry.inputsPerGroup + c) * window.kernelSize.height + ky
                        sum += Double(input[pixel + c]) * Double(weight[kernel * window.kernelSize.width + kx])
                    }
                }
            }
            return sum
        }
    }
}
