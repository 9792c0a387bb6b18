import Inference
import ModelTestSupport
import TestSupport
import Testing
import Threads

@testable import Server

@Suite(.timeLimit(.minutes(2)))
struct InFlightRequestTests {
    private func request(_ images: [[UInt8]]) throws -> InFlightRequest {
        let tiny = try TinyModel()
        let model = try withExtendedLifetime(tiny) {
            try ModelLoader(workers: WorkerPool(threadCount: 1)).load(ModelFiles(folder: tiny.folder.path))
        }
        return InFlightRequest(images: images.map { .encoded($0[...]) }, model: model)
    }

    @Test func `Each image is handed out once, and none once the request is answered`() throws {
        let request = try request([[1], [2, 2], [3]])
        #expect(request.takeImage(1)?.byteCount == 2)
        #expect(request.takeImage(1) == nil)
        #expect(request.fail(.cancelled))
        #expect(request.takeImage(0) == nil)
    }

    @Test func `It is answered once every image has its result, in their order, whatever came first`() async throws {
        let request = try request([[1], [2]])
        request.resolve(1, with: .success([5]))
        request.resolve(1, with: .success([6]))
        request.resolve(0, with: .failure(.notFinite))
        #expect(!request.fail(.deadlineExceeded))
        let report = try await request.outcome().get()
        #expect(report.predictions == [.failure(.notFinite), .success([5])])
    }

    @Test func `It is answered once only, whoever comes first`() async throws {
        let request = try request([[1]])
        #expect(request.fail(.deadlineExceeded))
        #expect(!request.fail(.cancelled))
        request.resolve(0, with: .success([1]))
        await #expect(throws: PredictionError.deadlineExceeded) { try await request.outcome().get() }
    }
}
