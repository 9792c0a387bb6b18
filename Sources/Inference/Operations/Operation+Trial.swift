import Files
import Threads

extension Operation {
    /// Runs the operation by itself, on an arena of its own whose output and scratch are NaN at first.
    ///
    /// Shape: input `[N, C, H, W]` or `[N, F]`, output likewise; the operation sees channels innermost.
    func values(on input: Tensor, outputShape: Shape, workers: WorkerPool) -> [Float] {
        values(on: [input], outputShape: outputShape, workers: workers)
    }

    /// The same for an operation that joins several inputs.
    func values(on inputs: [Tensor], outputShape: Shape, workers: WorkerPool) -> [Float] {
        let inputCount = inputs.reduce(0) { $0 + $1.shape.elementCount }
        let outputCount = outputShape.elementCount
        let batchSize = inputs[0].shape[0]
        let scratchStride = scratchByteCount(batchSize: batchSize) / MemoryLayout<Float>.stride
        let arena = AlignedBuffer(
            byteCount: (inputCount + outputCount + scratchStride * workers.threadCount)
                * MemoryLayout<Float>.stride)
        let memory = arena.bytes.bindMemory(to: Float.self)
        memory.initialize(repeating: .nan)
        var inputOffsets: [Int] = []
        var end = 0
        for input in inputs {
            inputOffsets.append(end)
            let place = UnsafeMutableBufferPointer(rebasing: memory[end...])
            end += place.update(fromContentsOf: input.scalars.channelsInnermost(shape: input.shape))
        }
        guard let base = memory.baseAddress else { return [] }
        run(
            OperationRun(
                batchSize: batchSize, inputOffsets: inputOffsets, outputOffset: inputCount,
                scratchOffset: inputCount + outputCount, scratchStride: scratchStride, memory: base, workers: workers,
                threadCount: workers.threadCount))
        let output = Array(memory[inputCount..<inputCount + outputCount])
        guard outputShape.rank == 4 else { return output }
        // The other way round is the same with channels and pixels exchanged.
        return output.channelsInnermost(shape: [outputShape[0], outputShape[2] * outputShape[3], outputShape[1], 1])
    }
}

extension [Float] {
    /// Shape: `[N, C, H, W]` in, `[N, H, W, C]` out; others stay as they are.
    func channelsInnermost(shape: Shape) -> [Float] {
        guard shape.rank == 4 else { return self }
        let (channels, pixels) = (shape[1], shape[2] * shape[3])
        return indices.map { index in
            let (image, pixel, channel) = (index / (channels * pixels), index / channels % pixels, index % channels)
            return self[(image * channels + channel) * pixels + pixel]
        }
    }
}
