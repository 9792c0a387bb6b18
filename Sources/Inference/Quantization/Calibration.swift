import Files
import Synchronization
import Threads

/// Observes a network's layers on typical images, and makes the network that is computed in 8-bit integers.
///
/// Each convolution and each linear layer gets a range for its input: the one whose bytes have the least mean squared error
/// on a sample of the observed values. Clipping a few large values makes all other steps finer. Layers that read the same
/// value, directly or through layers that pass bytes on, share a range, so that the value can be stored in bytes.
///
/// What a sum adds to a convolution, such as the shortcut of a residual block, is quantized as well, unless the error would
/// exceed ``addendErrorLimit``.
/// - Source: Krishnamoorthi 2018, arXiv:1806.08342; the search by squared error: Banner et al. 2018, arXiv:1810.05723.
public struct Calibration: ~Copyable {
    /// The network with every sum fused that can be.
    private let network: Network
    private let workers: WorkerPool
    private let plan: Plan
    private let arena: AlignedBuffer
    /// What each layer reads that can be quantized, by the node's name.
    private let reads: [String: [Read]]
    /// What was observed of each value; see ``Read``.
    private var ranges: [Int: ObservedRange] = [:]
    /// The number of observed images.
    public private(set) var imageCount = 0

    /// The root of the mean squared error, relative to that of the values, up to which a sum takes bytes.
    static let addendErrorLimit = 0.02

    /// An input of a layer.
    private struct Read {
        let input: Int
        /// The index of the node that computes the value. Layers that pass bytes on do not count.
        let value: Int
        /// The size of one image's input. Units: values.
        let count: Int
    }

    /// A calibration without observations.
    ///
    /// - Parameter network: the network as it is served, with normalisations folded.
    public init(_ network: Network, workers: WorkerPool) {
        let network = network.fusingSums { _ in true }
        self.network = network
        self.workers = workers
        plan = Planner(network: network, workers: workers, selector: AlgorithmSelector(), batchLimit: 1)
            .plan(batchSize: 1, threadCount: workers.threadCount)
        arena = AlignedBuffer(byteCount: plan.arenaByteCount)
        var reads: [String: [Read]] = [:]
        for node in network.nodes where node.layer is any QuantizableLayer {
            reads[node.name] = zip(node.inputs, network.inputShapes(of: node)).enumerated().map { index, input in
                Read(input: index, value: network.origin(of: input.0), count: input.1.elementCount)
            }
        }
        self.reads = reads
    }

    /// Runs the network on an image and observes each layer's inputs.
    ///
    /// - Parameter image: `[H, W, C]`, as ``Preprocessing`` makes it.
    public mutating func observe(_ image: Tensor) {
        let memory = arena.bytes.bindMemory(to: Float.self)
        image.withUnsafeScalars {
            precondition(
                $0.count == network.inputShape.elementCount, "an image of \(image.shape) for \(network.inputShape)")
            _ = UnsafeMutableBufferPointer(rebasing: memory[plan.inputOffset...]).update(from: $0)
        }
        let reads = reads
        var ranges = ranges
        plan.run(
            on: arena, workers: workers,
            willRun: { step, run in
                for read in reads[step.node] ?? [] {
                    ranges[read.value, default: ObservedRange()].add(
                        UnsafeBufferPointer(start: run.input(read.input), count: read.count))
                }
            })
        self.ranges = ranges
        imageCount += 1
    }

    /// The network with every observed layer computed in 8-bit integers. Layers whose sums could overflow stay as they are.
    public func quantized() -> Network {
        let found = ranges.mapValues { range in
            let quantization = InputQuantization(range: range.best)
            return (quantization: quantization, error: range.relativeError(of: quantization))
        }
        return network.mapLayers { node in
            guard let layer = node.layer as? any QuantizableLayer, layer.sumLength <= ByteMatrix.maxDepth,
                let reads = reads[node.name], let input = found[reads[0].value]?.quantization
            else { return node.layer }
            let addend = reads.dropFirst().first.flatMap { found[$0.value] }
            return layer.quantized(
                LayerQuantization(
                    input: input,
                    addend: addend.flatMap { $0.error <= Self.addendErrorLimit ? $0.quantization : nil }))
        }
    }
}

extension Network {
    /// The node that computes a value, before layers with one input that pass bytes on; ``input`` for the network's.
    fileprivate func origin(of node: Int) -> Int {
        var node = node
        while node != Self.input, nodes[node].inputs.count == 1, nodes[node].layer.passesBytes {
            node = nodes[node].inputs[0]
        }
        return node
    }
}

/// A layer that can be computed in 8-bit integers.
protocol QuantizableLayer: Layer {
    /// The number of products in the sum of one output.
    var sumLength: Int { get }
    /// The same layer, computed in 8-bit integers.
    func quantized(_ quantization: LayerQuantization) -> any Layer
}

extension Conv2d: QuantizableLayer {
    var sumLength: Int { weight.shape.elementCount / outputChannels }
    func quantized(_ quantization: LayerQuantization) -> any Layer { quantizing(quantization) }
}

extension SummedConv2d: QuantizableLayer {
    var sumLength: Int { convolution.sumLength }
    func quantized(_ quantization: LayerQuantization) -> any Layer {
        SummedConv2d(convolution.quantizing(quantization))
    }
}

extension Linear: QuantizableLayer {
    var sumLength: Int { inputFeatures }
    func quantized(_ quantization: LayerQuantization) -> any Layer { quantizingInput(quantization.input) }
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
        let errors = candidates.map { squaredError(of: InputQuantization(range: $0)) }
        // Of equal errors, the widest range counts.
        guard let least = errors.min(), let index = errors.lastIndex(of: least) else { return least...most }
        return candidates[index]
    }

    /// The root of the mean squared error on the sample, relative to that of its values; zero if they are all zero.
    func relativeError(of quantization: InputQuantization) -> Double {
        let power = sample.reduce(0.0) { $0 + Double($1) * Double($1) }
        return power > 0 ? (squaredError(of: quantization) / power).squareRoot() : 0
    }

    private func squaredError(of quantization: InputQuantization) -> Double {
        sample.reduce(0.0) { sum, value in
            let error = Double(value - quantization.value(of: quantization.byte(of: value)))
            return sum + error * error
        }
    }
}
