import Threads

/// Runs a network on batches. Several threads may call it at the same time.
///
/// The network is divided into up to three sections, each with its own batch size:
/// - Convolutions on large feature maps run one image at a time, so that the values between two layers stay in the
///   cache.
/// - Convolutions on small feature maps run several images at a time, so that kernels read from memory are reused for
///   many pixels.
/// - Linear layers run the whole batch at once, since each run reads all their weights from memory.
///
/// If the batch has at least two images per thread, each thread runs the first two sections on its own images (data
/// parallelism). In smaller batches, and always in the third section, the threads share the work of each step.
public final class Engine: Sendable {
    /// The layers and their weights.
    public let network: Network
    private let sections: [Section]
    private let workers: WorkerPool

    /// The largest feature map that counts as small. Units: pixels.
    private static let smallMap = 400
    /// The batch size for small maps: with eight 13×13 maps, the arithmetic takes longer than reading the kernels.
    /// Units: images.
    private static let smallMapBatch = 8

    /// An engine that runs on these threads.
    public init(network: Network, workers: WorkerPool, selector: AlgorithmSelector = AlgorithmSelector()) {
        self.network = network
        self.workers = workers
        var rest = network
        var sections: [Section] = []
        var formats = StageGraph(network).formats(of: network)[...]
        func append(_ part: Network, batchLimit: Int) {
            // The output of a section is the input of the next.
            sections.append(
                Section(
                    network: part, workers: workers, selector: selector, batchLimit: batchLimit,
                    formats: Array(formats.prefix(part.nodes.count + 1))))
            formats = formats.dropFirst(part.nodes.count)
        }
        if let parts = rest.split(beforeFirst: { node, input in
            node.layer is Conv2d && input[1] * input[2] <= Self.smallMap
        }) {
            append(parts.head, batchLimit: 1)
            rest = parts.tail
        }
        if let parts = rest.split(beforeFirst: { node, _ in node.layer is Linear }) {
            append(parts.head, batchLimit: Self.smallMapBatch)
            rest = parts.tail
        }
        append(rest, batchLimit: rest.nodes[0].layer is Linear ? .max : Self.smallMapBatch)
        self.sections = sections
    }

    /// Measures the algorithms of each layer that has several, unless the selector knows their times already.
    ///
    /// Call it before the first run, which prepares the chosen algorithms.
    /// - Parameter limit: no measurement begins after this time.
    public func measureAlgorithms(within limit: Duration) {
        let tuner = AlgorithmTuner(workers: workers, deadline: .now + limit)
        for section in sections { section.measure(with: tuner) }
    }

    /// The memory of all weights of layers and operations. Units: bytes.
    var weightByteCount: Int {
        network.nodes.reduce(0) { $0 + $1.layer.parameterByteCount }
            + sections.reduce(0) { $0 + $1.weightByteCount }
    }

    /// The memory of all arenas, if every section runs its largest batch on all threads. Units: bytes.
    func arenaByteCount(batchSize: Int) -> Int {
        sections.reduce(0) { sum, section in
            let count = min(section.batchLimit, batchSize)
            let shared = section.arenaByteCount(batchSize: count, threadCount: workers.threadCount)
            let own = section.arenaByteCount(batchSize: count, threadCount: 1) * workers.threadCount
            return sum + max(shared, section.batchLimit == .max ? 0 : own)
        }
    }

    /// The shape of one image, `[H, W, C]`, channels innermost.
    var imageShape: Shape {
        let shape = network.inputShape
        return shape.rank == 3 ? [shape[1], shape[2], shape[0]] : shape
    }

    /// Computes the logits of each image of a batch.
    ///
    /// Shape: inputs `[H, W, C]` each, outputs `[K]` each.
    public func callAsFunction(_ images: [Tensor]) -> [[Float]] {
        for image in images {
            precondition(image.shape == imageShape, "an image of \(image.shape) for \(imageShape)")
        }
        return run(batchSize: images.count) { index, memory in
            images[index].withUnsafeScalars { _ = memory.update(from: $0) }
        }
    }

    /// Runs one image, and copies the inputs of some layers.
    ///
    /// - Parameters:
    ///   - image: `[H, W, C]`.
    ///   - counts: the sizes of these inputs, by the layers' names. Layers that are views, and activations that are fused
    ///     into the layer before them, are not run. Units: values.
    func run(_ image: Tensor, recording counts: [String: Int]) -> (logits: [Float], inputs: [String: [Float]]) {
        precondition(image.shape == imageShape, "an image of \(image.shape) for \(imageShape)")
        let values = ValueRecorder(counts: counts)
        let outputs = run(
            batchSize: 1, fill: { _, memory in image.withUnsafeScalars { _ = memory.update(from: $0) } },
            values: values)
        return (outputs[0], values.inputs)
    }

    /// Runs a batch of mid-grey images and measures each step; see ``RunProfile``.
    public func profile(batchSize: Int) -> RunProfile {
        let recorder = ProfileRecorder(nodes: network.nodes.map(\.name))
        _ = run(batchSize: batchSize, fill: { $1.initialize(repeating: 0.5) }, recorder: recorder)
        return recorder.profile(batchSize: batchSize)
    }

    /// Whether each thread runs its own images.
    private func isDivided(_ batchSize: Int) -> Bool {
        workers.threadCount > 1 && batchSize >= 2 * workers.threadCount
    }

    private typealias Fill = @Sendable (_ index: Int, UnsafeMutableBufferPointer<Float>) -> Void

    /// Runs a batch through all sections.
    ///
    /// - Parameter fill: writes one image's input, `[H, W, C]`.
    private func run(
        batchSize: Int, fill: @escaping Fill, recorder: ProfileRecorder? = nil, values: ValueRecorder? = nil
    ) -> [[Float]] {
        let outputCount = network.outputShape.elementCount
        let outputs = [Float](unsafeUninitializedCapacity: batchSize * outputCount) { outputs, count in
            nonisolated(unsafe) let outputs = outputs
            runSection(
                sections.count - 1, images: 0..<batchSize, threadCount: workers.threadCount,
                isDivided: isDivided(batchSize), fill: fill, recorder: recorder, values: values
            ) { images, values in
                _ = UnsafeMutableBufferPointer(rebasing: outputs[(images.lowerBound * outputCount)...])
                    .update(from: values.bindMemory(to: Float.self))
            }
            count = batchSize * outputCount
        }
        return (0..<batchSize).map { Array(outputs[$0 * outputCount..<($0 + 1) * outputCount]) }
    }

    /// Runs a section on some images of the batch, after the sections before it.
    ///
    /// - Parameters:
    ///   - isDivided: whether each thread may run its own images.
    ///   - take: reads the output of a part of the images; called on any thread.
    private func runSection(
        _ index: Int, images: Range<Int>, threadCount: Int, isDivided: Bool, fill: @escaping Fill,
        recorder: ProfileRecorder?, values: ValueRecorder?,
        take: @escaping @Sendable (Range<Int>, UnsafeRawBufferPointer) -> Void
    ) {
        let section = sections[index]
        // The section that takes the whole batch is never divided: its threads share each step.
        let isDividedHere = isDivided && section.batchLimit < .max
        let parts = parts(of: images, limit: section.batchLimit, isDivided: isDividedHere)
        @Sendable func run(_ part: Range<Int>, threadCount: Int) {
            section.run(
                batchSize: part.count, threadCount: threadCount,
                fill: { input in
                    nonisolated(unsafe) let input = input
                    let size = section.inputByteCount
                    @Sendable func place(of images: Range<Int>) -> UnsafeMutableRawBufferPointer {
                        let first = (images.lowerBound - part.lowerBound) * size
                        return UnsafeMutableRawBufferPointer(rebasing: input[first..<first + images.count * size])
                    }
                    if index == 0 {
                        for image in part { fill(image, place(of: image..<image + 1).bindMemory(to: Float.self)) }
                    } else {
                        runSection(
                            index - 1, images: part, threadCount: threadCount, isDivided: isDivided && !isDividedHere,
                            fill: fill, recorder: recorder, values: values
                        ) { place(of: $0).copyMemory(from: $1) }
                    }
                },
                willRun: values.map { values in { values.record($0, $1) } },
                didRun: recorder.map { recorder in
                    {
                        recorder.record(
                            $0, duration: $1, batchSize: part.count,
                            threadCount: threadCount == 1 ? self.workers.threadCount : 1)
                    }
                },
                take: { take(part, $0) })
        }
        if isDividedHere {
            workers.parallelFor(parts.count) { part, _ in run(parts[part], threadCount: 1) }
        } else {
            for part in parts { run(part, threadCount: threadCount) }
        }
    }

    /// Divides images into parts of about equal size, none larger than `limit`. If each thread runs its own images, the
    /// number of parts is a multiple of the number of threads.
    private func parts(of images: Range<Int>, limit: Int, isDivided: Bool) -> [Range<Int>] {
        let unit = isDivided ? workers.threadCount : 1
        let perUnit = (images.count + unit - 1) / unit
        let count = min(images.count, unit * ((perUnit - 1) / limit + 1))
        return (0..<count).map { part in
            images.lowerBound + part * images.count / count..<images.lowerBound + (part + 1) * images.count / count
        }
    }
}
