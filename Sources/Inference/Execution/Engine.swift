/// Runs a network on batches, from several threads at the same time if need be.
///
/// The convolutions run a few images at a time, so that what lies between two layers stays in the cache and memory stays
/// small; the linear layers run the whole batch at once, since their weights come from memory anew each time.
public final class Engine: Sendable {
    /// What is run.
    public let network: Network
    private let head: Segment
    private let tail: Segment?
    /// The shape of one image between the two.
    private let betweenShape: Shape

    /// Images that convolutions run together: enough for every thread to have a block of its own.
    private let headBatchSize: Int
    private static let imagesPerThread = 4

    /// An engine whose runs share these threads.
    public init(network: Network, workers: WorkerPool, selector: AlgorithmSelector = AlgorithmSelector()) {
        self.network = network
        let parts = network.splitBeforeLinear()
        head = Segment(network: parts?.head ?? network, workers: workers, selector: selector)
        tail = parts.map { Segment(network: $0.tail, workers: workers, selector: selector) }
        betweenShape = parts?.tail.inputShape ?? network.outputShape
        headBatchSize = Self.imagesPerThread * max(2, workers.threadCount)
    }

    /// What the largest run of the convolutions takes. Units: bytes.
    var arenaByteCount: Int { head.arenaByteCount(batchSize: headBatchSize) }

    /// The logits of each image of a batch.
    ///
    /// Shape: inputs `[C, H, W]` each, outputs `[K]` each.
    public func callAsFunction(_ images: [Tensor]) -> [[Float]] {
        for image in images {
            precondition(image.shape == network.inputShape, "an image of \(image.shape) for \(network.inputShape)")
        }
        return run(batchSize: images.count) { index, memory in
            images[index].withUnsafeScalars { _ = memory.initialize(from: $0) }
        }
    }

    /// Runs a batch of mid-grey images and tells what each step took, all its parts together.
    public func profile(batchSize: Int) -> RunProfile {
        var steps: [RunProfile.Step] = []
        var places: [String: Int] = [:]
        var last = ContinuousClock.now
        _ = run(
            batchSize: batchSize,
            fill: { _, memory in
                memory.initialize(repeating: 0.5)
                last = .now
            },
            didRun: { step in
                let duration = ContinuousClock.now - last
                let place = places[step.node] ?? steps.count
                places[step.node] = place
                if place == steps.count {
                    steps.append(
                        RunProfile.Step(
                            node: step.node, algorithm: step.operation.name,
                            multiplyAddCount: step.operation.multiplyAddCount * batchSize))
                }
                steps[place].duration += duration
                last = .now
            })
        return RunProfile(batchSize: batchSize, steps: steps)
    }

    /// - Parameter fill: writes one image's input.
    private func run(
        batchSize: Int, fill: (_ index: Int, UnsafeMutableBufferPointer<Float>) -> Void,
        didRun: ((Plan.Step) -> Void)? = nil
    ) -> [[Float]] {
        guard batchSize > 0 else { return [] }
        guard let tail else { return runHead(batchSize, fill, didRun) { $1.map(Array.init) }.flatMap(\.self) }
        return tail.run(
            batchSize: batchSize,
            fill: { input in
                _ = runHead(batchSize, fill, didRun) { first, outputs in
                    for (offset, output) in outputs.enumerated() {
                        _ = image(first + offset, of: input, shape: betweenShape).initialize(from: output)
                    }
                }
            },
            didRun: didRun,
            take: { output in
                let count = output.count / batchSize
                return (0..<batchSize).map { Array(output[$0 * count..<($0 + 1) * count]) }
            })
    }

    /// Runs the head a few images at a time and hands over each one's output.
    private func runHead<R>(
        _ batchSize: Int, _ fill: (_ index: Int, UnsafeMutableBufferPointer<Float>) -> Void,
        _ didRun: ((Plan.Step) -> Void)?, take: (_ first: Int, [Slice<UnsafeBufferPointer<Float>>]) -> R
    ) -> [R] {
        stride(from: 0, to: batchSize, by: headBatchSize).map { first in
            let count = min(headBatchSize, batchSize - first)
            return head.run(
                batchSize: count,
                fill: { input in
                    for index in 0..<count { fill(first + index, image(index, of: input, shape: network.inputShape)) }
                },
                didRun: didRun,
                take: { output in
                    let size = betweenShape.elementCount
                    return take(first, (0..<count).map { output[$0 * size..<($0 + 1) * size] })
                })
        }
    }

    private func image(
        _ index: Int, of batch: UnsafeMutableBufferPointer<Float>, shape: Shape
    ) -> UnsafeMutableBufferPointer<Float> {
        let size = shape.elementCount
        return UnsafeMutableBufferPointer(rebasing: batch[index * size..<(index + 1) * size])
    }
}
