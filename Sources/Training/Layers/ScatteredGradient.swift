import CKernels
import Files
import Inference
import Threads

/// With any stride: the gradients of the unfolded windows, dX = dY·W, folded back.
final class ScatteredGradient: ConvolutionInputGradient, @unchecked Sendable {  // guard: `prepare` has no company
    private let layer: Conv2d
    private let shape: ConvolutionShape
    /// Channels innermost, `[O, KH, KW, C / groups]`.
    private let kernels: AlignedBuffer

    /// What the rows of a block may take. Units: floats.
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
