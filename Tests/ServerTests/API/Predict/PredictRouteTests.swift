import Foundation
import ModelTestSupport
import Testing
import TestSupport

@testable import Server

@Suite(.timeLimit(.minutes(2))) struct PredictRouteTests {
    private static let png = ["Content-Type": "image/png"]
    private static let json = ["Content-Type": "application/json"]
    private static let form = ["Content-Type": "multipart/form-data; boundary=boundary"]

    @Test func `one image answers one object, however it is sent`() async throws {
        let server = try await LiveServer(try TinyModel())
        let base64 = Data(TestPicture.png).base64EncodedString()
        let version = try #require(server.store.defaultSlot?.model?.version)
        let answers = [
            try await server.exchange("POST", "/predict", fields: Self.png, body: TestPicture.png),
            try await server.exchange("POST", "/predict", body: TestPicture.png),
            try await server.exchange("POST", "/v1/models/tiny/predict", body: TestPicture.png),
            try await server.exchange(
                "POST", "/predict", fields: Self.form, body: TestPicture.form([("grey.png", TestPicture.png)])),
            try await server.exchange(
                "POST", "/predict", fields: Self.json, body: Array(#"{"image": "\#(base64)"}"#.utf8)),
            try await server.exchange(
                "POST", "/predict", body: Array(#"{"image": "\#(base64)"}"#.utf8)),
            try await server.exchange(
                "POST", "/predict", fields: Self.json,
                body: Array(#"{"images": ["data:image/png;base64,\#(base64)"]}"#.utf8)),
        ]
        for answer in answers {
            #expect(answer.status == 200)
            #expect(answer.fields["content-type"] == "application/json")
            #expect(answer.fields["x-request-id"]?.isEmpty == false)
            let object = try answer.json()
            let top = try #require(object["top"] as? [[String: Any]])
            #expect(top.count == 3)
            #expect(object["class"] as? String == top[0]["class"] as? String)
            #expect(object["probability"] as? Double == top[0]["probability"] as? Double)
            #expect(object["index"] as? Int == top[0]["index"] as? Int)
            #expect(object["model"] as? String == "tiny")
            #expect(object["version"] as? String == version)
            let sum = top.compactMap { $0["probability"] as? Double }.reduce(0, +)
            #expect(abs(sum - 1) < 1e-5)
            #expect(try answer.json()["class"] as? String == answers[0].json()["class"] as? String)
        }
        #expect(try answers[3].json()["filename"] as? String == "grey.png")
        #expect(try answers[0].json()["filename"] == nil)
        await server.stop()
    }

    @Test func `several images are answered in upload order, with an error in the place of a bad one`() async throws {
        let server = try await LiveServer(try TinyModel())
        let body = TestPicture.form([
            ("a.png", TestPicture.png), ("b.png", TestPicture.truncatedPNG), ("c.gif", TestPicture.gif),
            ("d.png", TestPicture.png),
        ])
        let answer = try await server.exchange("POST", "/predict", fields: Self.form, body: body)
        #expect(answer.status == 200)
        let predictions = try #require(try answer.json()["predictions"] as? [[String: Any]])
        #expect(predictions.map { $0["filename"] as? String } == ["a.png", "b.png", "c.gif", "d.png"])
        #expect(predictions.map { ($0["error"] as? [String: Any])?["status"] as? Int } == [nil, 400, 415, nil])
        #expect(predictions[0]["class"] as? String == predictions[3]["class"] as? String)
        #expect(predictions[0]["class"] != nil)
        await server.stop()
    }

    @Test(arguments: [(1, 1), (3, 3), (4, 3)])
    func `top lists as many classes as requested, and never more than there are`(asked: Int, listed: Int) async throws {
        let server = try await LiveServer(try TinyModel())
        let answer = try await server.exchange("POST", "/predict?top=\(asked)", body: TestPicture.png)
        #expect((try answer.json()["top"] as? [Any])?.count == listed)
        await server.stop()
    }

    @Test(arguments: ["0", "-1", "%2B5", "1.5", "x", "", "99999999999999999999"])
    func `a top below 1, or that is not a whole number, is refused`(_ value: String) async throws {
        let server = try await LiveServer(try TinyModel())
        let answer = try await server.exchange("POST", "/predict?top=\(value)", body: TestPicture.png)
        #expect(answer.status == 400)
        #expect(answer.detail?.hasSuffix("it takes a whole number from 1 to 3.") == true)
        await server.stop()
    }

    @Test func `requests on one connection, in turn and pipelined, are all answered`()
        async throws
    {
        let server = try await LiveServer(try TinyModel())
        let client = server.client()
        for _ in 0..<3 {
            #expect(try await client.exchange("POST", "/predict", body: TestPicture.png).status == 200)
        }
        let one =
            Array("POST /predict HTTP/1.1\r\nHost: test\r\nContent-Length: \(TestPicture.png.count)\r\n\r\n".utf8)
            + TestPicture.png
        await client.send(one + one + Array("GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n".utf8))
        for _ in 0..<2 { #expect(await client.answer()?.status == 200) }
        #expect(await client.answer()?.body == "ok\n")
        await server.stop()
    }

    @Test func `concurrent requests share a batch, and each gets its own answer`() async throws {
        let server = try await LiveServer(try TinyModel()) { settings in
            // Longer than any machine needs to send eight: the batch runs because it is full.
            settings.batching.maxQueueDelay = .seconds(30)
            settings.batching.requestDeadline = .seconds(60)
            settings.batching.maxBatchSize = 8
        }
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask { try await server.exchange("POST", "/predict", body: TestPicture.png).status }
            }
            for try await status in group { #expect(status == 200) }
        }
        let exposition = try await server.exchange("GET", "/metrics").body
        #expect(exposition.contains("alexnet_batch_size_sum 8\n"))
        #expect(exposition.contains("alexnet_batch_size_bucket{le=\"1\"} 0\n"))
        #expect(exposition.contains("alexnet_queue_depth 0\n"))
        await server.stop()
    }
}
