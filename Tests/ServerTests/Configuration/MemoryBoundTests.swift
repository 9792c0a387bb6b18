import Testing

@testable import Server

@Suite(.timeLimit(.minutes(2))) struct MemoryBoundTests {
    private let model = MemoryBound.ModelShare(
        byteCount: 1000, inputByteCount: 400, classCount: 10, largestValueByteCount: 5000)

    private func part(_ name: String, threadCount: Int = 2, _ adjust: (inout Settings) -> Void = { _ in }) -> Int? {
        var settings = Settings()
        adjust(&settings)
        return MemoryBound(settings, threadCount: threadCount, models: [model, model]).parts
            .first { $0.name == name }?.byteCount
    }

    @Test func `the bound is the sum of its parts, each named once`() {
        let bound = MemoryBound(Settings(), threadCount: 2, models: [model])
        #expect(bound.byteCount == bound.parts.reduce(0) { $0 + $1.byteCount })
        #expect(Set(bound.parts.map(\.name)).count == bound.parts.count)
        #expect(MemoryBound.mebibytes(1 << 20) == 1)
        #expect(MemoryBound.mebibytes(1 << 20 + 1) == 2)
    }

    @Test func `a byte more of a limit is a byte more of the bound`() {
        func difference(_ name: String, _ adjust: (inout Settings) -> Void) -> Int {
            (part(name, adjust) ?? 0) - (part(name) ?? 0)
        }
        #expect(difference("bodies") { $0.server.maxBufferedBytes += 1 } == 1)
        #expect(difference("queue") { $0.batching.queueBytes += 1 } == 1)
        #expect(difference("decoding") { $0.images.decodeBytes += 1 } == 1)
        #expect(difference("json") { $0.server.maxBodyBytes += 1 } == 8)
        #expect(difference("connections") { $0.server.maxConnections += 1 } == 156 << 10)
        #expect(difference("answers") { $0.server.maxConnections += 1 } == 64 * 2 * 10 * 128)
        #expect(difference("batches") { $0.batching.maxBatchSize += 1 } == 2 * 400)
        #expect(part("models") == 2000)
        // One that is computed, one that is answered and eight that wait, each with its input twice.
        #expect(part("explanations") == 10 * 2 * 400 + 8 * 5000)
    }

    @Test func `a configuration without bounds has none, rather than a trap`() {
        var settings = Settings()
        settings.server.maxConnections = 1_000_000
        settings.images.maxPerRequest = 65_536
        let huge = MemoryBound.ModelShare(
            byteCount: .max, inputByteCount: 1 << 40, classCount: 1 << 40, largestValueByteCount: .max)
        #expect(MemoryBound(settings, threadCount: 1024, models: [huge, huge]).byteCount == .max)
    }
}
