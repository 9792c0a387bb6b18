import Foundation
import HTTPServer
import ModelTestSupport
import Synchronization
import TestSupport
import Testing
import Threads

@testable import Server

@Suite(.timeLimit(.minutes(2))) struct ExplainRouteTests {
    @Test func `an explanation names class, probability, map, input and crop`() async throws {
        let server = try await LiveServer(try TinyModel())
        let best = try await server.exchange("POST", "/predict", body: TestPicture.png).json()
        let answer = try await server.exchange("POST", "/v1/models/tiny/explain", body: TestPicture.png).json()
        #expect(answer["class"] as? String == best["class"] as? String)
        let probability = try #require(answer["probability"] as? Double)
        #expect(abs(probability - (best["probability"] as? Double ?? 0)) < 1e-5)
        let map = try #require(answer["heatmap"] as? [String: Any])
        let values = try #require(map["values"] as? [[Double]])
        #expect(values.count == map["height"] as? Int && values[0].count == map["width"] as? Int)
        #expect(values.joined().allSatisfy { 0...1 ~= $0 })
        let input = try #require(answer["input"] as? [String: Any])
        #expect((input["image"] as? String)?.hasPrefix("data:image/png;base64,iVBORw0KGgo") == true)
        let crop = try #require(answer["crop"] as? [String: Any])
        // Of one pixel, seven eighths are in the crop.
        #expect(crop["width"] as? Double == 0.875 && crop["image_width"] as? Int == 1)
        await server.stop()
    }

    @Test(arguments: ["-1", "3", "x", "", "1.0", "99999999999999999999", "+1"])
    func `a class that there is not is refused`(text: String) async throws {
        let server = try await LiveServer(try TinyModel())
        let answer = try await server.exchange("POST", "/v1/models/tiny/explain?class=\(text)", body: TestPicture.png)
        #expect(answer.status == 400 && answer.detail?.hasSuffix("it takes the index of a class, 0 to 2.") == true)
        await server.stop()
    }

    @Test func `two images, and a parameter of predict, are refused`() async throws {
        let server = try await LiveServer(try TinyModel())
        let image = Data(TestPicture.png).base64EncodedString()
        let two = try await server.exchange(
            "POST", "/v1/models/tiny/explain", fields: ["Content-Type": "application/json"],
            body: Array(#"{"images": ["\#(image)", "\#(image)"]}"#.utf8))
        #expect(two.status == 400 && two.detail == "2 images were sent; this path explains one image at a time.")
        let top = try await server.exchange("POST", "/v1/models/tiny/explain?top=1", body: TestPicture.png)
        #expect(
            top.detail
                == #"The query parameter "top" is unknown; this path takes class, the index of the class to explain."#)
        await server.stop()
    }
}

@Suite(.timeLimit(.minutes(1))) struct ExplanationQueueTests {
    /// Holds work back until it is opened.
    private final class Gate: Sendable {
        private let isOpen = Mutex(false)

        func open() { isOpen.withLock { $0 = true } }
        func wait() { while !isOpen.withLock(\.self) { usleep(100) } }
    }

    @Test func `work runs one after another, eight may wait, and the next is refused`() async throws {
        let queue = ExplanationQueue(workers: WorkerPool(threadCount: 2))
        let gate = Gate()
        let running = Mutex((now: 0, most: 0, done: 0))
        let work: @Sendable () -> Void = {
            running.withLock {
                $0.now += 1
                $0.most = max($0.most, $0.now)
            }
            gate.wait()
            running.withLock {
                $0.now -= 1
                $0.done += 1
            }
        }
        let accepted = (0..<1 + ExplanationQueue.maxWaitingCount).map { _ in Task { await queue.perform(work) != nil } }
        try await eventually { queue.waitingCount == ExplanationQueue.maxWaitingCount }
        #expect(await queue.perform(work) == nil)
        gate.open()
        for task in accepted { #expect(await task.value) }
        #expect(running.withLock(\.most) == 1)
        #expect(running.withLock(\.done) == 1 + ExplanationQueue.maxWaitingCount)
        #expect(await queue.perform { 7 } == 7)
    }
}
