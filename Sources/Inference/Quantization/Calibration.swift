import Files
import Synchronization
import Threads

/// Observes a network's layers on typical images, and makes the network that is computed in 8-bit integers.
///
/// Each convolution and each linear layer gets a range for its input: the one whose bytes have the least mean squared error
/// on a sample of the observed values. Clipping a few large values makes all other steps finer.
/// - Source: Krishnamoorthi 2018, arXiv:1806.08342; the search by squared error: Banner et al. 2018, arXiv:1810.05723.
public struct Calibration: ~Copyable {
    private let network: Network
    private let workers: WorkerPool
    private let plan: Plan
    private let arena: AlignedBuffer
    /// What was observed at the input of each layer, by the node's name.
    private var ranges: [String: ObservedRange] = [:]
    /// The number of observed images.
    public private(set) var imageCount = 0

    /// A calibration without observations.
    ///
    /// - Parameter network: the network as it is served, with normalisations folded.
    public init(_ network: Network, workers: WorkerPool) {
        self.network = network
        self.workers = workers
        plan = Planner(network: network, workers: workers, selector: AlgorithmSelector(), batchLimit: 1)
            .plan(batchSize: 1, threadCount: workers.threadCount)
        arena = AlignedBuffer(byteCount: plan.arenaByteCount)
    }

    /// Runs the network on an image and observes each layer's input.
    ///
    /// - Parameter image: `[H, W, C]`, as ``Preprocessing`` makes it.
    public mutating func observe(_ image: Tensor) {
        let memory = arena.bytes.bindMemory(to: Float.self)
        image.withUnsafeScalars {
            precondition(
                $0.count == network.inputShape.elementCount, "an image of \(image.shape) for \(network.inputShape)")
            _ = UnsafeMutableBufferPointer(rebasing: memory[plan.inputOffset...]).update(from: $0)
        }
        let inputCounts = inputCounts
        var ranges = ranges
        plan.run(
            on: arena, workers: workers,
            willRun: { step, run in
                guard let count = inputCounts[step.node] else { return }
                ranges[step.node, default: ObservedRange()].add(
                    UnsafeBufferPointer(start: run.input(), count: count))
            })
        self.ranges = ranges
        imageCount += 1
    }

    /// The size of the input of each layer that can be quantized, by the node's name. Units: values.
    private var inputCounts: [String: Int] {
        var counts: [String: Int] = [:]
        for node in network.nodes where node.layer is any QuantizableLayer {
            counts[node.name] = network.inputShapes(of: node)[0].elementCount
        }
        return counts
    }

    /// The network with every observed layer computed in 8-bit integers. Layers whose sums could overflow stay as they are.
    public func quantized() -> Network {
        network.mapLayers { node in
            guard let layer = node.layer as? any QuantizableLayer, let range = ranges[node.name],
                layer.sumLength <= ByteMatrix.maxDepth
            else { return node.layer }
            return layer.quantized(input: InputQuantization(range: range.best))
        }
    }
}

/// A layer that can be computed in 8-bit integers.
protocol QuantizableLayer: Layer {
    /// The number of products in the sum of one output.
    var sumLength: Int { get }
    /// The same layer, computed in 8-bit integers.
    func quantized(input: InputQuantization) -> any Layer
}

extension Conv2d: QuantizableLayer {
    var sumLength: Int { weight.shape.elementCount / outputChannels }
    func quantized(input: InputQuantization) -> any Layer { quantizingInput(input) }
}

extension SummedConv2d: QuantizableLayer {
    var sumLength: Int { convolution.sumLength }
    func quantized(input: InputQuantization) -> any Layer { SummedConv2d(convolution.quantizingInput(input)) }
}

extension Linear: QuantizableLayer {
    var sumLength: Int { inputFeatures }
    func quantized(input: InputQuantization) -> any Layer { quantizingInput(input) }
}

/// The extremes of the values at a layer's input, and an evenly spaced sample of them.
struct ObservedRange {
    private var least: Float = 0
    private var most: Float = 0
    private var sample: [Float] = []

    /// The most values taken of one image, and kept in all. Units: values.
    private static let imageSampleCount = 1024
    private static let maxSampleCount = 128 << 10
    /// The shares of the observed range that are tried.
    private static let shares = (6...20).map { Float($0) / 20 }

    /// Adds an image's values.
    mutating func add(_ values: UnsafeBufferPointer<Float>) {
        for value in values {
            if value < least { least = value }
            if value > most { most = value }
        }
        guard sample.count < Self.maxSampleCount else { return }
        // An odd step, so that the sample does not always take the same channels.
        let step = max(1, values.count / Self.imageSampleCount) | 1
        for index in stride(from: 0, to: values.count, by: step) { sample.append(values[index]) }
    }

    /// The share of the observed range whose bytes have the least squared error on the sample.
    var best: ClosedRange<Float> {
        let candidates = Self.shares.map { least * $0...most * $0 }
        let errors = candidates.map { candidate in
            let quantization = InputQuantization(range: candidate)
            let zero = Int(quantization.zeroPoint)
            return sample.reduce(0.0) { sum, value in
                let restored = Float(Int(quantization.byte(of: value)) - zero) * quantization.scale
                return sum + Double(value - restored) * Double(value - restored)
            }
        }
        // Of equal errors, the widest range counts.
        guard let least = errors.min(), let index = errors.lastIndex(of: least) else { return least...most }
        return candidates[index]
    }
}
