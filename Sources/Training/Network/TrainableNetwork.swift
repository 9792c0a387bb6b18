import CKernels
import Files
import Inference
import Threads

/// A network that can be trained: its forward pass saves what the backward pass needs, and the backward pass computes
/// the gradients of all parameters.
///
/// All memory is allocated once. The same batch, parameters and seed give the same gradients bit for bit, on any number
/// of threads.
public final class TrainableNetwork {
    /// The layers, with the parameters before the first step.
    public let network: Network
    /// The current parameters and their gradients.
    public let parameters: Parameters
    /// The most examples in a batch.
    public let maxBatchSize: Int
    /// The ranges of ``parameters`` that are not frozen, for the optimiser.
    public let trainableRanges: [Range<Int>]
    private let plan: GradientPlan
    private let arena: AlignedBuffer
    private let workers: WorkerPool

    /// Plans forward and backward passes for batches of up to `maxBatchSize` examples.
    ///
    /// - Parameter frozen: the layers that are not trained, by name (`features.0`) or by the prefix of a part
    ///   (`features`).
    /// - Throws: ``TrainingError`` for layers that are unknown or have no backward pass.
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

    /// Computes the gradients of all parameters that are not frozen.
    ///
    /// Shape: images `[N, H, W, C]`, one label for each image.
    /// - Parameters:
    ///   - smoothing: label smoothing, see ``SoftmaxCrossEntropy``.
    ///   - seed: the seed of dropout; nil turns dropout off.
    /// - Returns: the mean loss of the batch in nats, and the number of correct predictions.
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

    /// The network with views of the current parameters. They change with the next step.
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
            saved: memory + step.savedOffset, shared: memory + plan.sharedOffset, scratch: memory + plan.scratchOffset,
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

/// Selects layers by name, such as `features.0`, or by the prefix of a part of the network, such as `features`.
enum LayerSelection {
    /// The names of the selected layers.
    ///
    /// - Parameter known: the names of the network's layers.
    /// - Throws: ``TrainingError/unknownLayers(names:known:)`` for names that select no layer.
    static func layers(_ names: Set<String>, of known: [String]) throws(TrainingError) -> Set<String> {
        func isSelected(_ layer: String, by name: String) -> Bool { layer == name || layer.hasPrefix(name + ".") }
        let unknown = names.filter { name in !known.contains { isSelected($0, by: name) } }
        guard unknown.isEmpty else { throw .unknownLayers(names: unknown.sorted(), known: known) }
        return Set(known.filter { layer in names.contains { isSelected(layer, by: $0) } })
    }
}
