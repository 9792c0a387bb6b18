import HTTPServer
import Inference

/// An upper bound of the process's memory, whatever clients send: the sum of what the limits of the configuration
/// allow.
///
/// It is computed for the loaded models; `models.memory_limit` bounds what more may be loaded. Each part is an upper
/// bound by itself, so the sum is far above real use: no mix of requests reaches all of them at once.
struct MemoryBound: Equatable, Sendable {
    struct Part: Equatable, Sendable {
        let name: String
        /// The part's upper bound. Units: bytes.
        let byteCount: Int
    }

    /// What one model contributes.
    struct ModelShare: Equatable, Sendable {
        /// Weights, prepared kernels and working memory. Units: bytes.
        var byteCount: Int
        /// The network's input for one image. Units: bytes.
        var inputByteCount: Int
        var classCount: Int
        /// The largest output of a layer for one image. Units: bytes.
        var largestValueByteCount = 0
    }

    let parts: [Part]

    /// The sum of all parts. Units: bytes.
    var byteCount: Int { parts.reduce(0) { Self.sum($0, $1.byteCount) } }

    /// The program, its libraries and what they reserve. Units: bytes.
    private static let programByteCount = 96 << 20
    /// A thread's stack, and its buffers in BLAS. Units: bytes.
    private static let threadByteCount = 36 << 20
    /// The rows of one image in the codec and the resizer: sixty rows of the longest side. Units: bytes.
    private static let rowsByteCount = 60 * 3 * ImageDecoder.maxSide
    /// The most decodes in progress on one thread: the current one and those that it has interrupted.
    private static let decodesPerThread = 4
    /// The growth of JSON while it is parsed: a number of two characters becomes four bytes, which are copied once,
    /// into images.
    private static let growthOfJSON = 4
    /// One class of an answer: a label of usual length, an index and a probability. Units: bytes.
    private static let valueByteCount = 128
    /// A connection's state, without its buffers. Units: bytes.
    private static let connectionByteCount = 16 << 10
    /// What an explanation holds of the largest output: copies of the values that layers read, and images of them.
    private static let valuesPerExplanation = 8
    /// The state of decompressing a body. Units: bytes.
    private static let codingByteCount = 76 << 10

    init(_ settings: Settings, threadCount: Int, models: [ModelShare]) {
        let options = ServerOptions(settings, threadCount: threadCount)
        let inputByteCount = models.map(\.inputByteCount).max() ?? 0
        let classCount = models.map(\.classCount).max() ?? 0
        let bodies = settings.server.maxBufferedBytes
        let buffered = max(64 << 10, settings.server.maxHeaderBytes + 8 << 10)
        let answer = Self.product(settings.images.maxPerRequest, 2 * classCount, Self.valueByteCount)
        let batches = Self.product(
            max(1, threadCount / 4) + 1, settings.batching.maxBatchSize, inputByteCount)
        parts = [
            Part(name: "program", byteCount: Self.programByteCount + threadCount * Self.threadByteCount),
            Part(name: "models", byteCount: models.reduce(0) { Self.sum($0, $1.byteCount) }),
            // While a body's buffer grows, its bytes exist twice; each event loop grows one buffer at a time.
            Part(
                name: "bodies",
                byteCount: bodies + options.keptBodyBytes + options.eventLoopCount * settings.server.maxBodyBytes),
            Part(
                name: "json",
                byteCount: Self.product(threadCount, Self.growthOfJSON, settings.server.maxBodyBytes)),
            // Each model also admits one request that exceeds the limit by itself.
            Part(
                name: "queue",
                byteCount: Self.sum(
                    settings.batching.queueBytes,
                    Self.product(models.count, settings.images.maxPerRequest, inputByteCount)
                        + models.count * settings.server.maxBodyBytes)),
            Part(name: "batches", byteCount: batches),
            Part(
                name: "decoding",
                byteCount: settings.images.decodeBytes
                    + threadCount * Self.decodesPerThread * Self.rowsByteCount),
            Part(
                name: "connections",
                byteCount: Self.product(
                    settings.server.maxConnections, buffered + Self.connectionByteCount + Self.codingByteCount)),
            Part(name: "answers", byteCount: Self.product(settings.server.maxConnections, answer)),
            // One is computed at a time; it and those that wait hold the network's input, and its image in base64.
            Part(
                name: "explanations",
                byteCount: Self.sum(
                    Self.product(ExplanationQueue.maxWaitingCount + 2, 2, inputByteCount),
                    Self.product(Self.valuesPerExplanation, models.map(\.largestValueByteCount).max() ?? 0))),
            Part(name: "log", byteCount: settings.log.maxBufferedBytes),
        ]
    }

    private static func sum(_ one: Int, _ other: Int) -> Int {
        let (sum, overflow) = one.addingReportingOverflow(other)
        return overflow ? .max : sum
    }

    private static func product(_ factors: Int...) -> Int {
        factors.reduce(1) { product, factor in
            let (next, overflow) = product.multipliedReportingOverflow(by: factor)
            return overflow ? .max : next
        }
    }

    /// A size in MiB, rounded up.
    static func mebibytes(_ byteCount: Int) -> Int { byteCount / (1 << 20) + (byteCount % (1 << 20) > 0 ? 1 : 0) }
}

extension MemoryBound.ModelShare {
    /// The contribution of a loaded model; nil for one that is not loaded.
    init?(_ slot: ModelSlot) {
        guard let model = slot.model, let byteCount = slot.memoryByteCount else { return nil }
        self.init(
            byteCount: byteCount, inputByteCount: model.network.inputShape.elementCount * MemoryLayout<Float>.stride,
            classCount: model.classes.count,
            largestValueByteCount: (model.network.shapes.map(\.elementCount).max() ?? 0) * MemoryLayout<Float>.stride)
    }
}
