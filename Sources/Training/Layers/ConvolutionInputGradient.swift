import CKernels
import Files
import Inference
import Threads

/// The input gradient by transposed convolution, for stride 1: a convolution of the output gradient. Its kernels are
/// rotated by 180°, and their input and output channels are swapped.
///
/// - Source: Dumoulin and Visin 2016, arXiv:1603.07285, §4.
final class TransposedConvolution: ConvolutionInputGradient, @unchecked Sendable {  // guard: `prepare` runs alone
    private let layer: Conv2d
    private let shape: ConvolutionShape
    /// The rotated kernels, `[C, O / groups, KH, KW]`.
    private let kernels: AlignedBuffer
    private let algorithm: Algorithm
    private var operation: (any Operation)?
    private let memory: BufferPool

    static func computes(_ shape: ConvolutionShape) -> Bool {
        let window = shape.window
        return window.stride == 1 && window.padding.height < window.kernelSize.height
            && window.padding.width < window.kernelSize.width
    }

    init(_ layer: Conv2d, _ shape: ConvolutionShape, memory: BufferPool) {
        self.layer = layer
        self.shape = shape
        self.memory = memory
        let (kernelSize, padding) = (shape.window.kernelSize, shape.window.padding)
        kernels = AlignedBuffer(byteCount: layer.weight.shape.elementCount * MemoryLayout<Float>.stride)
        let turned = Conv2d(
            weight: Tensor(
                [shape.input[0], shape.outputsPerGroup, kernelSize.height, kernelSize.width], viewing: kernels,
                byteOffset: 0),
            bias: Tensor([shape.input[0]], scalars: Array(repeating: 0, count: shape.input[0])),
            padding: Size2d(
                height: kernelSize.height - 1 - padding.height, width: kernelSize.width - 1 - padding.width),
            groups: shape.groups)
        algorithm = .cheapest(of: turned, input: shape.output, activation: nil)
    }

    private var prepared: any Operation {
        guard let operation else { preconditionFailure("a convolution runs before it is prepared") }
        return operation
    }

    func scratchByteCount(batchSize: Int) -> Int { prepared.scratchByteCount(batchSize: batchSize) }

    func prepare(_ workers: WorkerPool) {
        operation = nil
        workers.parallelForBlocks(shape.input[0], blockSize: 8) { input, _ in self.rotate(input) }
        operation = algorithm.make(workers, memory: memory)
    }

    /// Rotates the kernels of one input channel.
    private func rotate(_ input: Int) {
        let places = shape.window.kernelSize.height * shape.window.kernelSize.width
        let (group, channel) = (input / shape.inputsPerGroup, input % shape.inputsPerGroup)
        let target = kernels.bytes.assumingMemoryBound(to: Float.self)
        layer.weight.withUnsafeScalars { weight in
            for output in 0..<shape.outputsPerGroup {
                let from = ((group * shape.outputsPerGroup + output) * shape.inputsPerGroup + channel) * places
                let to = (input * shape.outputsPerGroup + output) * places
                for place in 0..<places { target[to + places - 1 - place] = weight[from + place] }
            }
        }
    }

    func run(_ run: DifferentiableRun, into gradient: UnsafeMutablePointer<Float>) {
        prepared.run(run.predicting(from: run.outputGradient, to: gradient))
    }
}

/// The input gradient by col2im, for any stride. The matrix product dX = dY·W gives the gradient of each window, and
/// col2im adds these gradients into the image.
final class Col2ImInputGradient: ConvolutionInputGradient, @unchecked Sendable {  // guard: `prepare` runs alone
    private let layer: Conv2d
    private let shape: ConvolutionShape
    /// The weights with channels innermost, `[O, KH, KW, C / groups]`.
    private let kernels: AlignedBuffer

    /// The most memory for a block of windows. Units: floats.
    private static let rowLimit = 256 << 10

    init(_ layer: Conv2d, _ shape: ConvolutionShape) {
        self.layer = layer
        self.shape = shape
        kernels = AlignedBuffer(byteCount: layer.weight.shape.elementCount * MemoryLayout<Float>.stride)
    }

    private var blockSize: Int { min(shape.positions, max(32, Self.rowLimit / shape.depth)) }

    func scratchByteCount(batchSize: Int) -> Int { blockSize * shape.depth * MemoryLayout<Float>.stride }

    func prepare(_ workers: WorkerPool) {
        let places = shape.window.kernelSize.height * shape.window.kernelSize.width
        workers.parallelForBlocks(shape.output[0], blockSize: 8) { output, _ in
            let target = self.kernels.bytes.assumingMemoryBound(to: Float.self)
            self.layer.weight.withUnsafeScalars { weight in
                guard let weight = weight.baseAddress, let target = target.baseAddress else { return }
                let first = output * self.shape.depth
                kernel_transpose(weight + first, self.shape.inputsPerGroup, places, target + first)
            }
        }
    }

    func run(_ run: DifferentiableRun, into gradient: UnsafeMutablePointer<Float>) {
        nonisolated(unsafe) let target = gradient
        run.parallelFor(run.batchSize) { image, slot in
            let input = target + image * self.shape.input.elementCount
            input.update(repeating: 0, count: self.shape.input.elementCount)
            self.fold(run, image: image, rows: run.scratch(slot: slot), into: input)
        }
    }

    private func fold(
        _ run: DifferentiableRun, image: Int, rows: UnsafeMutablePointer<Float>, into input: UnsafeMutablePointer<Float>
    ) {
        let gradient = run.outputGradient + image * shape.output.elementCount
        var window = shape.kernelWindow
        guard let kernels = kernels.bytes.assumingMemoryBound(to: Float.self).baseAddress else { return }
        for group in 0..<shape.groups {
            for first in stride(from: 0, to: shape.positions, by: blockSize) {
                let count = min(blockSize, shape.positions - first)
                BLAS.multiply(
                    rows: count, columns: shape.depth, depth: shape.outputsPerGroup,
                    left: gradient + first * shape.output[0] + group * shape.outputsPerGroup,
                    leftStride: shape.output[0], right: kernels + group * shape.outputsPerGroup * shape.depth,
                    rightStride: shape.depth, into: rows, stride: shape.depth)
                kernel_row2im(
                    rows, shape.inputsPerGroup, &window, first, count, input + group * shape.inputsPerGroup)
            }
        }
    }
}
