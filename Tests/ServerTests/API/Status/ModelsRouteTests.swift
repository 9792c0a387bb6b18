import Foundation
import Inference
import ModelTestSupport
import Testing
import TestSupport

@testable import Server

@Suite(.timeLimit(.minutes(2))) struct ModelRoutesTests {
    @Test func `loaded models are described, one by one and as a list`() async throws {
        let server = try await LiveServer(try TinyModel())
        let model = try await server.exchange("GET", "/v1/models/tiny").json()
        #expect(model["name"] as? String == "tiny")
        #expect(model["ready"] as? Bool == true)
        #expect(model["architecture"] as? String == "alexnet")
        #expect(model["version"] as? String == server.store.defaultSlot?.model?.version)
        #expect(model["precision"] as? String == "float32")
        #expect(model["input"] as? [Int] == [3, 224, 224])
        #expect(model["classes"] as? Int == 3)
        #expect(model["format"] as? String == "safetensors")
        #expect(model["loaded_at"] as? String != nil)
        #expect(
            (model["assumptions"] as? [String])?.first?.hasPrefix("the first convolution is taken to have an input of")
                == true)
        let list = try await server.exchange("GET", "/v1/models").json()
        #expect(list["default"] as? String == "tiny")
        #expect((list["models"] as? [[String: Any]])?.map { $0["name"] as? String } == ["tiny"])
        await server.stop()
    }

    @Test func `an unknown model is answered with the known ones, and the one that was probably meant`() async throws {
        let server = try await LiveServer(try TinyModel())
        let near = try await server.exchange("GET", "/v1/models/Tny")
        #expect(near.status == 404)
        #expect(near.detail == "There is no model \"Tny\"; served here: tiny; did you mean \"tiny\"?")
        let far = try await server.exchange("GET", "/v1/models/resnet")
        #expect(far.detail == "There is no model \"resnet\"; served here: tiny.")
        await server.stop()
    }

    @Test(arguments: [Precision.float16, .int8Weights])
    func `each precision is served, reported, and kept by a reload`(_ precision: Precision) async throws {
        let tiny = try TinyModel()
        let exact = try await LiveServer(tiny)
        let server = try await LiveServer(tiny) { $0.models.precision = precision }
        for seed in [1, 2] as [UInt64] {
            try tiny.writeCheckpoint(seed: seed)
            for slot in [exact, server].compactMap(\.store.defaultSlot) { _ = await slot.reload() }
            let model = try await server.exchange("GET", "/v1/models/tiny").json()
            #expect(model["precision"] as? String == precision.rawValue)
            let answer = try await server.exchange("POST", "/predict", body: TestPicture.png).json()
            let expected = try await exact.exchange("POST", "/predict", body: TestPicture.png).json()
            #expect(answer["version"] as? String == expected["version"] as? String)
            #expect(answer["class"] as? String == expected["class"] as? String)
            let probability = try #require(answer["probability"] as? Double)
            #expect(abs(probability - (try #require(expected["probability"] as? Double))) < 1e-2)
        }
        await exact.stop()
        await server.stop()
    }

    @Test func `the class map is answered in the form of class_indices.json`() async throws {
        let tiny = try TinyModel()
        let server = try await LiveServer(tiny)
        let answer = try await server.exchange("GET", "/classes")
        #expect(answer.body == (try String(contentsOfFile: tiny.path("class_indices.json"), encoding: .utf8)))
        await server.stop()
    }

    @Test func `HEAD answers as GET does, without content`() async throws {
        let server = try await LiveServer(try TinyModel())
        let client = server.client()
        let head = try await client.exchange("HEAD", "/healthz")
        #expect(head.status == 200)
        #expect(head.fields["content-length"] == "3")
        #expect(try await client.exchange("GET", "/healthz").body == "ok\n")
        await server.stop()
    }

    @Test func `the reload route requires the token, answers with the outcome, and keeps the working model`()
        async throws
    {
        let tiny = try TinyModel()
        let secret = "0123456789abcdef"
        try tiny.write("token.md", secret + "\n")
        let server = try await LiveServer(tiny, adminToken: try AdminToken(file: tiny.path("token.md")))
        let target = "/v1/models/tiny/reload"
        let first = try #require(server.store.defaultSlot?.model?.version)
        for fields in [[:], ["Authorization": "Bearer wrong"], ["Authorization": "Basic \(secret)"]] {
            let answer = try await server.exchange("POST", target, fields: fields)
            #expect(answer.status == 401)
            #expect(answer.fields["www-authenticate"] == "Bearer")
        }
        let fields = ["Authorization": "Bearer \(secret)"]
        let unchanged = try await server.exchange("POST", target, fields: fields)
        #expect(unchanged.status == 200)
        #expect(try unchanged.json()["outcome"] as? String == "unchanged")
        try tiny.writeCheckpoint(seed: 2)
        let success = try await server.exchange("POST", target, fields: fields)
        #expect(try success.json()["outcome"] as? String == "success")
        let second = try #require(server.store.defaultSlot?.model?.version)
        #expect(second != first)
        #expect(try success.json()["version"] as? String == second)
        try tiny.writeCheckpoint(replacing: .nan)
        let failure = try await server.exchange("POST", target, fields: fields)
        #expect(failure.status == 422)
        #expect(
            failure.detail
                == "Version \(second) stays loaded: its checkpoint holds weights that are not finite, or "
                + "impossible. The server's log says more.")
        #expect(server.store.defaultSlot?.model?.version == second)
        #expect(try await server.exchange("GET", "/readyz").status == 200)
        #expect(try await server.exchange("POST", "/v1/models/none/reload", fields: fields).status == 404)
        let exposition = try await server.exchange("GET", "/metrics").body
        for outcome in ["success", "unchanged", "failure"] {
            #expect(
                exposition.contains("alexnet_model_reloads_total{model=\"tiny\",outcome=\"\(outcome)\"} 1\n"))
        }
        #expect(
            exposition.contains(
                "alexnet_model_info{model=\"tiny\",architecture=\"alexnet\",version=\"\(second)\"} 1\n"))
        #expect(!exposition.contains(first))
        await server.stop()
    }

    @Test(arguments: [15, 16])
    func `a short or missing token is refused`(_ length: Int) throws {
        let tiny = try TinyModel()
        try tiny.write("token", String(repeating: "x", count: length))
        let error =
            length < 16
            ? AdminTokenError.tooShort(path: tiny.path("token"), byteCount: length, minimum: 16) : nil
        if let error {
            #expect(throws: error) { try AdminToken(file: tiny.path("token")) }
        } else {
            #expect(throws: Never.self) { try AdminToken(file: tiny.path("token")) }
        }
        #expect(throws: AdminTokenError.unreadable(path: "/nowhere")) { try AdminToken(file: "/nowhere") }
        #expect(throws: AdminTokenError.unreadable(path: "/dev/zero")) { try AdminToken(file: "/dev/zero") }
    }

    @Test func `a token file may have a byte order mark and Windows line ends, and must be text`() throws {
        let tiny = try TinyModel()
        try tiny.write("token", "\u{FEFF}0123456789abcdef\r\nmore\r\n")
        #expect(try AdminToken(file: tiny.path("token")).admits("Bearer 0123456789abcdef"))
        try Data([0x1F, 0x8B, 8, 0]).write(to: tiny.folder.appendingPathComponent("token"))
        let error = #expect(throws: AdminTokenError.self) { try AdminToken(file: tiny.path("token")) }
        #expect(error?.description.contains("is not text in UTF-8: it is compressed with gzip") == true)
    }
}
