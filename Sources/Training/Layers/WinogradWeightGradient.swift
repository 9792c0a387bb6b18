import CKernels
import Inference

/// The weight gradient by Winograd's minimal filtering. The tiles of the input and of the output gradient are
/// transformed and multiplied element by element. The products are summed over the tiles of several images, and the
/// sums are transformed back.
///
///     dg = Gᵀ·[Σ (A·dY·Aᵀ) ⊙ (Bᵀ·d·B)]·G
///
/// The transforms run in parallel over images, the multiplications over the elements of a tile.
/// - Source: Lavin and Gray 2015, arXiv:1509.09308, §3: the bilinear form of the forward pass, differentiated by the
///   filter.
struct WinogradWeightGradient: ConvolutionWeightGradient {
    private let tiling: WinogradTiling
    private let shape: ConvolutionShape
    private let parameters: Parameters
    private let weight: Parameters.Entry
    private let bias: Parameters.Entry?
    /// The matrix G, in row-major order.
    private let matrix: [Double]

    /// The most memory for transformed tiles, so that they fit into the last-level cache. Units: floats.
    private static let tileLimit = 2 << 20
    /// The number of kernels that one task transforms back.
    private static let kernelsPerTask = 1024

    init(
        tiling: WinogradTiling, shape: ConvolutionShape, parameters: Parameters, weight: Parameters.Entry,
        bias: Parameters.Entry?
    ) {
        self.tiling = tiling
        self.shape = shape
        self.parameters = parameters
        self.weight = weight
        self.bias = bias
        matrix = tiling.tile.filterMatrix.flatMap(\.self)
    }

    /// The tile sizes that cost less than a direct convolution, cheapest first.
    static func tilings(of layer: Conv2d, _ shape: ConvolutionShape) -> [WinogradTiling] {
        let direct = Double(shape.output[0] * shape.depth * shape.positions)
        return WinogradTiling.all(layer, input: shape.input, output: shape.output)
            .filter { $0.cost < direct }.sorted { $0.cost < $1.cost }
    }

    private var places: Int { tiling.tile.placeCount }
    private var tilesPerImage: Int { tiling.rows * tiling.columns }
    private var paddedOutputs: Int { WinogradTiling.padded(shape.outputsPerGroup) }
    /// The number of kernels of a group, with each phase of a strided kernel counted separately.
    private var kernelCount: Int { shape.outputsPerGroup * tiling.depth }

    /// The number of images whose tiles are in memory at a time.
    private var imagesPerBlock: Int {
        max(1, Self.tileLimit / (places * tilesPerImage * (tiling.paddedDepth + paddedOutputs)))
    }

    /// The layout of the shared memory. Units: floats.
    private struct Layout {
        /// The sums of one group, by tile element.
        let sums: Int
        /// The transformed tiles of the input, by tile element.
        let inputs: Int
        /// The distance between two tile elements of the input.
        let inputStride: Int
        /// The transformed tiles of the output's gradient, by tile element.
        let gradients: Int
        /// The distance between two tile elements of the gradient.
        let gradientStride: Int
        /// The phases of strided kernels.
        let phases: Int
        /// The bias gradients of each image.
        let biases: Int
        /// The size of all parts.
        let count: Int
    }

    private func layout(batchSize: Int) -> Layout {
        let tileCount = min(imagesPerBlock, batchSize) * tilesPerImage
        let inputStride = tiling.placeStride(tileCount: tileCount, width: tiling.paddedDepth)
        let gradientStride = tiling.placeStride(tileCount: tileCount, width: paddedOutputs)
        let inputs = ArenaLayout.align(places * kernelCount)
        let gradients = inputs + places * inputStride
        let phases = gradients + places * gradientStride
        let biases =
            phases
            + (tiling.stride == 1
                ? 0 : ArenaLayout.align(kernelCount * tiling.tile.kernelExtent * tiling.tile.kernelExtent))
        return Layout(
            sums: 0, inputs: inputs, inputStride: inputStride, gradients: gradients, gradientStride: gradientStride,
            phases: phases, biases: biases, count: biases + batchSize * shape.output[0])
    }

    func sharedByteCount(batchSize: Int) -> Int { layout(batchSize: batchSize).count * MemoryLayout<Float>.stride }

    func scratchByteCount(batchSize: Int) -> Int {
        (zeroCount + ArenaLayout.align(tiling.phaseCount)) * MemoryLayout<Float>.stride
    }

    private var zeroCount: Int { max(tiling.paddedDepth, paddedOutputs) }

    func run(_ run: DifferentiableRun) {
        let layout = layout(batchSize: run.batchSize)
        for group in 0..<shape.groups {
            for first in stride(from: 0, to: run.batchSize, by: imagesPerBlock) {
                let images = first..<min(first + imagesPerBlock, run.batchSize)
                run.parallelFor(images.count * tiling.rows) { index, slot in
                    transform(
                        run, layout, image: first + index / tiling.rows, place: index / tiling.rows,
                        row: index % tiling.rows, group: group, scratch: run.scratch(slot: slot))
                }
                run.parallelFor(places) { place, _ in
                    multiply(run, layout, place: place, tileCount: images.count * tilesPerImage, isFirst: first == 0)
                }
            }
            finish(run, layout, group: group)
        }
        if let bias { sumBiases(run, layout, into: bias) }
    }

    /// Sums each image separately first, so that the order of additions does not depend on the threads.
    private func sumBiases(_ run: DifferentiableRun, _ layout: Layout, into bias: Parameters.Entry) {
        run.parallelFor(run.batchSize) { image, _ in
            let sums = run.shared + layout.biases + image * shape.output[0]
            sums.update(repeating: 0, count: shape.output[0])
            kernel_sum_rows(
                run.outputGradient + image * shape.output.elementCount, shape.positions, shape.output[0],
                shape.output[0], sums)
        }
        for output in 0..<shape.output[0] {
            parameters.gradients[bias.range.lowerBound + output] = (0..<run.batchSize).reduce(0) { sum, image in
                sum + run.shared[layout.biases + image * shape.output[0] + output]
            }
        }
    }

    /// Transforms one row of tiles of one image: those of the input and those of the output gradient.
    private func transform(
        _ run: DifferentiableRun, _ layout: Layout, image: Int, place: Int, row: Int, group: Int,
        scratch: UnsafeMutablePointer<Float>
    ) {
        scratch.update(repeating: 0, count: zeroCount)
        let tile = place * tilesPerImage + row * tiling.columns
        tiling.transform(
            run.input + image * shape.input.elementCount, group: group, row: row, zeros: scratch,
            phases: scratch + zeroCount, into: run.shared + layout.inputs + tile * tiling.paddedDepth,
            placeStride: layout.inputStride)
        var tiles = tiling.outputTiles
        kernel_winograd_output_gradient(
            run.outputGradient + image * shape.output.elementCount + group * shape.outputsPerGroup, &tiles, row,
            shape.outputsPerGroup, scratch, run.shared + layout.gradients + tile * paddedOutputs,
            layout.gradientStride, paddedOutputs)
    }

    private func multiply(_ run: DifferentiableRun, _ layout: Layout, place: Int, tileCount: Int, isFirst: Bool) {
        BLAS.multiply(
            rows: shape.outputsPerGroup, columns: tiling.depth, depth: tileCount,
            left: run.shared + layout.gradients + place * layout.gradientStride, .transposed, leftStride: paddedOutputs,
            right: run.shared + layout.inputs + place * layout.inputStride, rightStride: tiling.paddedDepth,
            into: run.shared + layout.sums + place * kernelCount, stride: tiling.depth, accumulates: !isFirst)
    }

    /// Transforms the sums back to kernels in PyTorch's layout.
    private func finish(_ run: DifferentiableRun, _ layout: Layout, group: Int) {
        let taps = tiling.tile.kernelExtent * tiling.tile.kernelExtent
        nonisolated(unsafe) let gradients = parameters.gradients
        guard let start = gradients.baseAddress else { return }
        nonisolated(unsafe) let target = start + weight.range.lowerBound + group * shape.outputsPerGroup * shape.depth
        nonisolated(unsafe) let kernels = tiling.stride == 1 ? target : run.shared + layout.phases
        run.parallelFor((kernelCount + Self.kernelsPerTask - 1) / Self.kernelsPerTask) { task, _ in
            let first = task * Self.kernelsPerTask
            matrix.withUnsafeBufferPointer {
                kernel_winograd_kernel_gradient(
                    $0.baseAddress, Int32(tiling.tile.extent), Int32(tiling.tile.kernelExtent),
                    run.shared + layout.sums + first, kernelCount, min(Self.kernelsPerTask, kernelCount - first),
                    kernels + first * taps)
            }
        }
        guard tiling.stride > 1 else { return }
        run.parallelFor(shape.outputsPerGroup) { output, _ in gather(output, from: kernels, into: target) }
    }

    /// Interleaves the phases of one output channel's kernels. The padding after a kernel's edge is dropped.
    private func gather(
        _ output: Int, from phases: UnsafePointer<Float>, into target: UnsafeMutablePointer<Float>
    ) {
        let (stride, inputs) = (tiling.stride, shape.inputsPerGroup)
        let (extent, kernelExtent) = (shape.window.kernelSize.height, tiling.tile.kernelExtent)
        for input in 0..<inputs {
            for y in 0..<extent {
                for x in 0..<extent {
                    let channel = ((output * stride + y % stride) * stride + x % stride) * inputs + input
                    target[((output * inputs + input) * extent + y) * extent + x] =
                        phases[(channel * kernelExtent + y / stride) * kernelExtent + x / stride]
                }
            }
        }
    }
}
