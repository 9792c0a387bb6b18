import Threads

/// How far an operation's results are from a convolution's definition in float64.
struct ConvolutionError {
    let layer: Conv2d
    let geometry: ConvolutionGeometry

    /// About so many products are summed in float64: enough to see each place of a tile, few enough for a start.
    private static let productLimit = 2 << 20

    /// The largest difference on a sample of outputs of one image of noise, relative to the largest output of the sample.
    ///
    /// Limits: for an operation without an activation the sample is what it computes; with one, negative outputs are zero in
    /// both.
    func largest(of operation: any Operation, isRectified: Bool, workers: WorkerPool) -> Double {
        let bench = OperationBench(
            operation: operation, inputCount: geometry.inputChannels * geometry.height * geometry.width,
            outputCount: geometry.outputChannels * geometry.positions, batchSize: 1, threadCount: 1, workers: workers)
        bench.run()
        let sampleCount = max(16, Self.productLimit / geometry.depth)
        let total = geometry.positions * geometry.outputChannels
        // A step without a common factor with the channels or the width visits every place of a tile.
        let step = max(1, total / sampleCount) | 1
        var (largestError, largest) = (0.0, 0.0)
        for index in stride(from: 0, to: total, by: step) {
            let sum = value(position: index / geometry.outputChannels, channel: index % geometry.outputChannels, bench)
            let expected = isRectified ? max(sum, 0) : sum
            largestError = max(largestError, abs(Double(bench.output[index]) - expected))
            largest = max(largest, abs(sum))
        }
        return largest > 0 ? largestError / largest : largestError
    }

    /// One output by its definition.
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
