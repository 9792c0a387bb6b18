import CKernels
import Files
import Inference
import Threads

/// A network that learns: a forward pass that keeps what the backward pass needs, and the gradients of all parameters.
///
/// All memory is taken once. The same batch, parameters and seed give the same gradients to the last bit, however many
/// threads there are.
public final class TrainableNetwork {
    /// The layers; their own parameters are those that training began with.
    public let network: Network
    /// The network's, with their gradients.
    public let parameters: Parameters
    /// The most examples of a batch.
    public let maxBatchSize: Int
    /// Where the parameters lie that are not frozen: what an optimiser may change.
    public let trainableRanges: [Range<Int>]
    private let plan: GradientPlan
    private let arena: AlignedBuffer
    private let workers: WorkerPool

    /// Prepares the passes for batches of up to `maxBatchSize` examples.
    ///
    /// - Parameter frozen: layers, as `features.0`, or parts of the network, as `features`, whose parameters stay as they are.
    /// - Throws: ``TrainingError`` for layers that are unknown or cannot be trained.
    public init(
        _ network: Network, maxBatchSize: Int, frozen: Set<String> = [], workers: WorkerPool
    ) throws(TrainingError) {
        precondition(maxBatchSize > 0, "a batch of \(maxBatchSize) examples")
        let learners = network.nodes.filter { !$0.layer.parameters.isEmpty }
        let frozen = try LayerSelection.layers(frozen, of: learners.map(\.name))
        guard learners.contains(where: { !frozen.contains($0.name) }) else { throw .nothingToLearn }
        let parameters = Parameters(of: network)
        for (entry, tensor) in zip(parameters.entries, network.nodes.flatMap(\.layer.parameters)) {
            tensor.withUnsafeScalars { _ = parameters.values[entry.range].update(fromContentsOf: $0) }
        }
        self.parameters = parameters
        trainableRanges = parameters.ranges { entry in !frozen.contains { entry.name.hasPrefix($0 + ".") } }
        self.network = network
        self.maxBatchSize = maxBatchSize
        self.workers = workers
        plan = try GradientPlan(
            network: network, parameters: parameters, frozen: frozen, maxBatchSize: maxBatchSize, workers: workers)
        arena = AlignedBuffer(byteCount: plan.count * MemoryLayout<Float>.stride)
    }

    private var memory: UnsafeMutablePointer<Float> {
        guard let memory = arena.bytes.bindMemory(to: Float.self).baseAddress else {
            preconditionFailure("a network without memory")
        }
        return memory
    }

    /// The loss of a batch and the gradients of all parameters that are not frozen.
    ///
    /// Shape: images `[N, H, W, C]`, one label an image.
    /// - Parameters:
    ///   - smoothing: see ``SoftmaxCrossEntropy``.
    ///   - seed: decides what dropout drops; without one it drops nothing.
    public func gradients(
        images: UnsafePointer<Float>, labels: [Int], smoothing: Float = 0, seed: UInt64?
    ) -> (loss: Double, correct: Int) {
        let batchSize = labels.count
        precondition(1...maxBatchSize ~= batchSize, "a batch of \(batchSize) for at most \(maxBatchSize)")
        for step in plan.steps { step.operation.prepare(workers) }
        for step in plan.steps { forward(step, images: images, batchSize: batchSize, seed: seed) }
        let output = plan.values[plan.outputValue]
        let result = SoftmaxCrossEntropy.evaluate(
            logits: memory + (output.offset ?? 0), labels: labels, classCount: output.elementCount,
            smoothing: smoothing, gradient: memory + (output.gradientOffset ?? 0))
        for step in plan.steps.reversed() { backward(step, images: images, batchSize: batchSize, seed: seed) }
        return result
    }

    /// The network with the parameters as they are: its layers view their memory, which changes with the next step.
    public func currentNetwork() -> Network {
        network.mapLayers { node in
            (node.layer as? any DifferentiableLayer)?.with(parameters.entries(of: node.name).map(parameters.tensor))
                ?? node.layer
        }
    }

    private func values(_ index: Int, images: UnsafePointer<Float>) -> UnsafePointer<Float> {
        plan.values[index].offset.map { UnsafePointer(memory + $0) } ?? images
    }

    private func run(
        _ step: GradientPlan.Step, images: UnsafePointer<Float>, batchSize: Int, seed: UInt64?,
        inputGradients: [UnsafeMutablePointer<Float>?] = []
    ) -> DifferentiableRun {
        let output = plan.values[step.output]
        return DifferentiableRun(
            batchSize: batchSize, seed: seed.map { $0 &+ step.salt &* 0x9E37_79B9_7F4A_7C15 },
            inputs: step.inputs.map { values($0, images: images) }, output: memory + (output.offset ?? 0),
            inputGradients: inputGradients, outputGradient: memory + (output.gradientOffset ?? 0),
            kept: memory + step.keptOffset, shared: memory + plan.sharedOffset, scratch: memory + plan.scratchOffset,
            scratchStride: plan.scratchStride, workers: workers)
    }

    private func forward(_ step: GradientPlan.Step, images: UnsafePointer<Float>, batchSize: Int, seed: UInt64?) {
        guard !step.skipsForward else { return }
        let run = run(step, images: images, batchSize: batchSize, seed: seed)
        if step.operation.worksInPlace, step.output != step.inputs[0] {
            run.output.update(from: run.input, count: plan.values[step.output].elementCount * batchSize)
        }
        step.operation.forward(run)
    }

    private func backward(_ step: GradientPlan.Step, images: UnsafePointer<Float>, batchSize: Int, seed: UInt64?) {
        guard !step.skipsBackward, plan.values[step.output].gradientOffset != nil else { return }
        let targets = zip(step.inputs, step.inputGradients).map { input, kind -> UnsafeMutablePointer<Float>? in
            switch kind {
            case .unwanted: nil
            case .written: plan.values[input].gradientOffset.map { memory + $0 }
            case .added(let scratchOffset): memory + scratchOffset
            }
        }
        let run = run(step, images: images, batchSize: batchSize, seed: seed, inputGradients: targets)
        step.operation.backward(run)
        for (position, input) in step.inputs.enumerated() {
            guard let target = targets[position] else { continue }
            let count = plan.values[input].elementCount * batchSize
            if step.operation.worksInPlace, step.output != input {
                target.update(from: run.outputGradient, count: count)
            }
            if case .added = step.inputGradients[position], let offset = plan.values[input].gradientOffset {
                kernel_add(target, memory + offset, count)
            }
        }
    }
}
