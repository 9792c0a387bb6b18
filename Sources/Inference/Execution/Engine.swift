import Threads

/// Runs a network on batches, from several threads at the same time if need be.
///
/// The network is cut into up to three sections that differ in what they want most. Large maps: an image at a time, so that
/// what lies between two layers stays in the cache. Small maps: several images, so that each kernel that is read from memory
/// meets many pixels. Linear layers: the whole batch, since their weights come from memory anew each time. Of the first two
/// each thread takes images of its own; the threads share the steps of the third, and those of a batch that is smaller than
/// they are many.
public final class Engine: Sendable {
    /// What is run.
    public let network: Network
    private let sections: [Section]
    private let workers: WorkerPool

    /// A part of the network.
    private struct Section: Sendable {
        let segment: Segment
        let inputShape: Shape
        /// The most images that are run together.
        let batchLimit: Int
    }

    /// Maps of no more pixels than this are small.
    private static let smallMap = 400
    /// As many images of 13×13 pixels as make the products with a kernel hide the time it takes to read it.
    private static let smallMapBatch = 8

    /// An engine whose runs share these threads.
    public init(network: Network, workers: WorkerPool, selector: AlgorithmSelector = AlgorithmSelector()) {
        self.network = network
        self.workers = workers
        var rest = network
        var sections: [Section] = []
        func append(_ part: Network, batchLimit: Int) {
            sections.append(
                Section(
                    segment: Segment(
                        network: part, workers: workers, selector: selector, batchLimit: batchLimit),
                    inputShape: part.inputShape,
                    batchLimit: batchLimit))
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

    /// Measures the algorithms of those layers that have several, where the selector does not know their times yet; to be
    /// called before the first run, which makes what was chosen.
    ///
    /// - Parameter limit: no measurement is begun after this time.
    public func measureAlgorithms(within limit: Duration) {
        let tuner = AlgorithmTuner(workers: workers, deadline: .now + limit)
        for section in sections { section.segment.measure(with: tuner) }
    }

    /// What the layers and the operations that were made of them hold. Units: bytes.
    var weightByteCount: Int {
        network.nodes.reduce(0) { $0 + $1.layer.parameterByteCount }
            + sections.reduce(0) { $0 + $1.segment.weightByteCount }
    }

    /// What the largest runs of all sections take on all threads. Units: bytes.
    func arenaByteCount(batchSize: Int) -> Int {
        sections.reduce(0) { sum, section in
            let count = min(section.batchLimit, batchSize)
            let shared = section.segment.arenaByteCount(batchSize: count, threadCount: workers.threadCount)
            let own = section.segment.arenaByteCount(batchSize: count, threadCount: 1) * workers.threadCount
            return sum + max(shared, section.batchLimit == .max ? 0 : own)
        }
    }

    /// The shape in which an image is given: channels innermost.
    var imageShape: Shape {
        let shape = network.inputShape
        return shape.rank == 3 ? [shape[1], shape[2], shape[0]] : shape
    }

    /// The logits of each image of a batch.
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

    /// Runs a batch of mid-grey images and tells what each step took, all its runs together. Where threads take images of
    /// their own, a step's duration is their mean.
    public func profile(batchSize: Int) -> RunProfile {
        let recorder = ProfileRecorder(nodes: network.nodes.map(\.name))
        _ = run(batchSize: batchSize, fill: { $1.initialize(repeating: 0.5) }, recorder: recorder)
        return recorder.profile(batchSize: batchSize)
    }

    /// Whether each thread takes images of its own.
    private func isDivided(_ batchSize: Int) -> Bool {
        workers.threadCount > 1 && batchSize >= 2 * workers.threadCount
    }

    private typealias Fill = @Sendable (_ index: Int, UnsafeMutableBufferPointer<Float>) -> Void

    /// - Parameter fill: writes one image's input, `[H, W, C]`.
    private func run(batchSize: Int, fill: @escaping Fill, recorder: ProfileRecorder? = nil) -> [[Float]] {
        let outputCount = network.outputShape.elementCount
        let outputs = [Float](unsafeUninitializedCapacity: batchSize * outputCount) { outputs, count in
            nonisolated(unsafe) let outputs = outputs
            runSection(
                sections.count - 1, images: 0..<batchSize, threadCount: workers.threadCount,
                isDivided: isDivided(batchSize), fill: fill, recorder: recorder
            ) { images, values in
                _ = UnsafeMutableBufferPointer(rebasing: outputs[(images.lowerBound * outputCount)...])
                    .update(from: values)
            }
            count = batchSize * outputCount
        }
        return (0..<batchSize).map { Array(outputs[$0 * outputCount..<($0 + 1) * outputCount]) }
    }

    /// Runs a section, and before it those that feed it, on some images of the batch.
    ///
    /// - Parameter take: reads the output of part of the images, on one of several threads.
    private func runSection(
        _ index: Int, images: Range<Int>, threadCount: Int, isDivided: Bool, fill: @escaping Fill,
        recorder: ProfileRecorder?, take: @escaping @Sendable (Range<Int>, UnsafeBufferPointer<Float>) -> Void
    ) {
        let section = sections[index]
        // Steps that work on the whole batch are shared, and so are those of a batch that threads do not divide.
        let isDividedHere = isDivided && section.batchLimit < .max
        let parts = parts(of: images, limit: section.batchLimit, isDivided: isDividedHere)
        @Sendable func run(_ part: Range<Int>, threadCount: Int) {
            section.segment.run(
                batchSize: part.count, threadCount: threadCount,
                fill: { input in
                    nonisolated(unsafe) let input = input
                    let size = section.inputShape.elementCount
                    @Sendable func place(of images: Range<Int>) -> UnsafeMutableBufferPointer<Float> {
                        let first = (images.lowerBound - part.lowerBound) * size
                        return UnsafeMutableBufferPointer(rebasing: input[first..<first + images.count * size])
                    }
                    if index == 0 {
                        for image in part { fill(image, place(of: image..<image + 1)) }
                    } else {
                        runSection(
                            index - 1, images: part, threadCount: threadCount, isDivided: isDivided && !isDividedHere,
                            fill: fill, recorder: recorder
                        ) { _ = place(of: $0).update(from: $1) }
                    }
                },
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

    /// Equal parts within a limit; as many as there are threads, or a multiple of it, where each takes its own.
    private func parts(of images: Range<Int>, limit: Int, isDivided: Bool) -> [Range<Int>] {
        let unit = isDivided ? workers.threadCount : 1
        let perUnit = (images.count + unit - 1) / unit
        let count = min(images.count, unit * ((perUnit - 1) / limit + 1))
        return (0..<count).map { part in
            images.lowerBound + part * images.count / count..<images.lowerBound + (part + 1) * images.count / count
        }
    }
}
