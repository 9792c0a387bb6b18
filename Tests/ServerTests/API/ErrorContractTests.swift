import Foundation
import ModelTestSupport
import Testing
import TestSupport

@testable import Server

/// Every row of the error table in the HTTP contract, over a live socket.
@Suite(.timeLimit(.minutes(2))) struct ErrorContractTests {
    private static let form = ["Content-Type": "multipart/form-data; boundary=boundary"]
    private static let json = ["Content-Type": "application/json"]

    /// Checks the status, the form of the problem document, and that its sentence speaks of what was wrong.
    private func expect(
        _ answer: TestClient.Answer, _ status: Int, saying words: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        #expect(answer.status == status, sourceLocation: sourceLocation)
        #expect(answer.fields["content-type"] == "application/problem+json", sourceLocation: sourceLocation)
        #expect(answer.fields["x-request-id"]?.isEmpty == false, sourceLocation: sourceLocation)
        #expect(try answer.json()["status"] as? Int == status, sourceLocation: sourceLocation)
        #expect(try answer.json()["title"] as? String != nil, sourceLocation: sourceLocation)
        let detail = answer.detail ?? ""
        #expect(detail.contains(words), "\(detail)", sourceLocation: sourceLocation)
    }

    @Test func `400: framing, fields, multipart, JSON, no image, corrupt and truncated images`() async throws {
        let server = try await LiveServer(try TinyModel())
        try expect(await server.exchange(raw: "GET /healthz HTTP/1.1\r\n\r\n"), 400, saying: "Host")
        try expect(
            await server.exchange(
                raw: "POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
            400, saying: "Content-Length")
        try expect(
            await server.exchange("POST", "/predict", fields: ["Content-Type": "multipart/form-data"], body: [1]), 400,
            saying: "boundary")
        try expect(
            await server.exchange("POST", "/predict", fields: Self.form, body: Array("--boundary\r\nx".utf8)), 400,
            saying: "boundary")
        try expect(await server.exchange("POST", "/predict"), 400, saying: "curl -F image=@photo.jpg")
        try expect(
            await server.exchange("POST", "/predict", fields: Self.json, body: Array("{".utf8)), 400, saying: "JSON")
        try expect(
            await server.exchange("POST", "/predict", fields: Self.json, body: Array("{}".utf8)), 400,
            saying: "neither")
        try expect(
            await server.exchange("POST", "/predict", fields: Self.json, body: Array(#"{"image": "?"}"#.utf8)), 400,
            saying: "base64")
        let field = Array(
            "--boundary\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhi\r\n--boundary--\r\n".utf8)
        try expect(
            await server.exchange("POST", "/predict", fields: Self.form, body: field), 400, saying: "fields note")
        try expect(
            await server.exchange("POST", "/predict", body: TestPicture.truncatedPNG), 400, saying: "truncated")
        var corrupt = TestPicture.png
        corrupt[30] ^= 0xFF
        try expect(await server.exchange("POST", "/predict", body: corrupt), 400, saying: "corrupt")
        await server.stop()
    }

    @Test func `404 and 405: the path, the model, the method with Allow`() async throws {
        let server = try await LiveServer(try TinyModel())
        try expect(await server.exchange("GET", "/nothing"), 404, saying: "/nothing")
        try expect(
            await server.exchange("POST", "/v1/models/other/predict", body: TestPicture.png), 404,
            saying: "served here: tiny")
        try expect(await server.exchange("GET", "/v1/models/other"), 404, saying: "served here: tiny")
        try expect(await server.exchange("POST", "/v1/models/tiny/reload"), 404, saying: "reload")
        let answer = try await server.exchange("GET", "/predict")
        try expect(answer, 405, saying: "POST")
        #expect(answer.fields["allow"]?.contains("POST") == true)
        await server.stop()
    }

    @Test func `408: the client was too slow`() async throws {
        let server = try await LiveServer(try TinyModel()) { settings in
            settings.server.headerTimeout = .milliseconds(100)
            settings.server.bodyTimeout = .milliseconds(100)
        }
        try expect(await server.exchange(raw: "GET /healthz HT"), 408, saying: "0.1 seconds")
        try expect(
            await server.exchange(raw: "POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12"), 408,
            saying: "2 bytes")
        await server.stop()
    }

    @Test func `413: the body, the pixels and the number of images, each at its limit and one above`() async throws {
        let server = try await LiveServer(try TinyModel()) { settings in
            settings.server.maxBodyBytes = 2000
            settings.images.maxPerRequest = 3
        }
        let rest = [UInt8](repeating: 0, count: 2000 - TestPicture.png.count)
        #expect(try await server.exchange("POST", "/predict", body: TestPicture.png + rest).status == 200)
        try expect(
            await server.exchange("POST", "/predict", body: TestPicture.png + rest + [0]), 413, saying: "2000")
        let three = TestPicture.form(Array(repeating: ("a.png", TestPicture.png), count: 3))
        #expect(try await server.exchange("POST", "/predict", fields: Self.form, body: three).status == 200)
        let four = TestPicture.form(Array(repeating: ("a.png", TestPicture.png), count: 4))
        try expect(
            await server.exchange("POST", "/predict", fields: Self.form, body: four), 413, saying: "at most 3")
        try expect(
            await server.exchange("POST", "/predict", body: TestPicture.hugePNG), 413, saying: "60000×60000")
        await server.stop()
    }

    @Test(arguments: [(1, 200), (0, 413)])
    func `413: pixels at their limit and one above`(limit: Int, status: Int) async throws {
        let server = try await LiveServer(try TinyModel()) { $0.images.maxPixels = limit }
        #expect(try await server.exchange("POST", "/predict", body: TestPicture.png).status == status)
        await server.stop()
    }

    @Test func `414 and 431: target and fields too long`() async throws {
        let server = try await LiveServer(try TinyModel())
        let long = String(repeating: "a", count: 9000)
        try expect(await server.exchange("GET", "/\(long)"), 414, saying: "8192 bytes")
        try expect(
            await server.exchange("GET", "/healthz", fields: ["X-Long": long + long]), 431, saying: "16384 bytes")
        await server.stop()
    }

    @Test func `415: unsupported images and media types`() async throws {
        let server = try await LiveServer(try TinyModel())
        try expect(await server.exchange("POST", "/predict", body: TestPicture.gif), 415, saying: "GIF")
        try expect(
            await server.exchange("POST", "/predict", body: Array("hello".utf8)), 415, saying: "JPEG, PNG or WebP")
        try expect(
            await server.exchange(
                "POST", "/predict", fields: ["Content-Type": "application/x-www-form-urlencoded"], body: TestPicture.png
            ),
            415, saying: "curl -F image=@photo.jpg")
        await server.stop()
    }

    @Test func `417, 501 and 505: expectation, transfer coding, version`() async throws {
        let server = try await LiveServer(try TinyModel())
        try expect(
            await server.exchange("POST", "/predict", fields: ["Expect": "miracles"], body: TestPicture.png), 417,
            saying: "miracles")
        try expect(
            await server.exchange(
                raw: "POST /predict HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"), 501,
            saying: "gzip")
        try expect(await server.exchange(raw: "GET / HTTP/3.0\r\nHost: a\r\n\r\n"), 505, saying: "HTTP/1.1")
        await server.stop()
    }

    @Test func `429 with Retry-After while the queue is full, and it is counted`() async throws {
        // A full batch has two images, so the first one waits for a second, which the queue has no place for.
        let server = try await LiveServer(try TinyModel()) { settings in
            settings.batching.queueCapacity = 1
            settings.batching.maxBatchSize = 2
            settings.batching.maxQueueDelay = .seconds(600)
            settings.batching.requestDeadline = .seconds(1200)
        }
        let waiting = server.client()
        let head = "POST /predict HTTP/1.1\r\nHost: test\r\nContent-Length: \(TestPicture.png.count)\r\n\r\n"
        await waiting.send(Array(head.utf8) + TestPicture.png)
        try await eventually("the request is queued") {
            try await server.exchange("GET", "/metrics").body.contains("alexnet_queue_depth 1\n")
        }
        let refused = try await server.exchange("POST", "/predict", body: TestPicture.png)
        try expect(refused, 429, saying: "queue is full")
        #expect(refused.fields["retry-after"] == "1")
        let exposition = try await server.exchange("GET", "/metrics").body
        #expect(exposition.contains("alexnet_rejected_total{reason=\"queue_full\"} 1\n"))
        await waiting.reset()
        await server.stop()
    }

    @Test func `504 at the deadline, and the place in the queue is free again`() async throws {
        let server = try await LiveServer(try TinyModel()) { settings in
            settings.batching.maxQueueDelay = .seconds(600)
            settings.batching.requestDeadline = .milliseconds(200)
        }
        try expect(
            await server.exchange("POST", "/predict", body: TestPicture.png), 504, saying: "batching.request_deadline")
        let exposition = try await server.exchange("GET", "/metrics").body
        #expect(exposition.contains("alexnet_rejected_total{reason=\"deadline\"} 1\n"))
        #expect(exposition.contains("alexnet_queue_depth 0\n"))
        await server.stop()
    }

    @Test func `503 with Retry-After before a model is loaded and while draining`() async throws {
        let tiny = try TinyModel()
        let server = try await LiveServer(tiny, loadsModel: false)
        for (method, target) in [("GET", "/readyz"), ("GET", "/classes"), ("POST", "/predict")] {
            let answer = try await server.exchange(method, target, body: method == "POST" ? TestPicture.png : [])
            try expect(answer, 503, saying: "not loaded yet")
            #expect(answer.fields["retry-after"] == "1")
        }
        #expect(try await server.exchange("GET", "/healthz").status == 200)
        _ = await server.store.loadAll()
        #expect(try await server.exchange("GET", "/readyz").status == 200)
        server.phase.leave()
        try expect(await server.exchange("GET", "/readyz"), 503, saying: "draining")
        #expect(try await server.exchange("POST", "/predict", body: TestPicture.png).status == 200)
        server.phase.finish(at: .now)
        try expect(await server.exchange("POST", "/predict", body: TestPicture.png), 503, saying: "shutting down")
        #expect(try await server.exchange("GET", "/healthz").status == 200)
        await server.stop()
    }

    @Test func `a client that hangs up loses its place in the queue`() async throws {
        let server = try await LiveServer(try TinyModel()) { settings in
            settings.batching.maxQueueDelay = .seconds(60)
            settings.batching.requestDeadline = .seconds(120)
        }
        let client = server.client()
        let head = "POST /predict HTTP/1.1\r\nHost: test\r\nContent-Length: \(TestPicture.png.count)\r\n\r\n"
        await client.send(Array(head.utf8) + TestPicture.png)
        try await eventually("the request is queued") {
            try await server.exchange("GET", "/metrics").body.contains("alexnet_queue_depth 1\n")
        }
        await client.reset()
        try await eventually("the request has left the queue") {
            try await server.exchange("GET", "/metrics").body.contains("alexnet_queue_depth 0\n")
        }
        try await eventually("the client that hung up is counted") {
            try await server.exchange("GET", "/metrics").body
                .contains("alexnet_rejected_total{reason=\"disconnected\"} 1\n")
        }
        await server.stop()
    }
}
