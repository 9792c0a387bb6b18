import Foundation
import HTTPServer
import ModelTestSupport
import TestSupport
import Testing

@testable import Server

/// The requests of other servers' documentation.
@Suite(.timeLimit(.minutes(2))) struct OtherClientsTests {
    private static let image = Data(TestPicture.png).base64EncodedString()

    private func predicted(_ server: LiveServer) async throws -> [(label: String, probability: Double)] {
        let answer = try await server.exchange("POST", "/predict?top=3", body: TestPicture.png).json()
        return try #require(answer["top"] as? [[String: Any]]).map {
            ($0["class"] as? String ?? "", $0["probability"] as? Double ?? -1)
        }
    }

    @Test func `TorchServe's curl lines get labels and probabilities, as its image_classifier answers`() async throws {
        let server = try await LiveServer(try TinyModel())
        let expected = try await predicted(server)
        // curl http://127.0.0.1:8080/predictions/tiny -T kitten.png
        let upload = try await server.exchange("PUT", "/predictions/tiny", body: TestPicture.png)
        let labels = try upload.json()
        #expect(labels.count == 3)
        for (label, probability) in expected { #expect(labels[label] as? Double == probability) }
        // The best first, for those who read the first line.
        #expect(upload.body.hasPrefix("{\"\(expected[0].label)\":"))
        // curl -X POST http://127.0.0.1:8080/predictions/tiny -F data=@kitten.png
        let form =
            Array("--b\r\nContent-Disposition: form-data; name=\"data\"; filename=\"kitten.png\"\r\n\r\n".utf8)
            + TestPicture.png + Array("\r\n--b--\r\n".utf8)
        let posted = try await server.exchange(
            "POST", "/predictions/tiny", fields: ["Content-Type": "multipart/form-data; boundary=b"], body: form)
        #expect(posted.bytes == upload.bytes)
        let missing = try await server.exchange("POST", "/predictions/none", body: TestPicture.png)
        #expect(missing.status == 404)
        #expect(try missing.json()["message"] as? String == missing.detail)
        await server.stop()
    }

    @Test func `SageMaker's types are images, and its answer is that of predict`() async throws {
        let server = try await LiveServer(try TinyModel())
        let expected = try await server.exchange("POST", "/predict", body: TestPicture.png)
        for type in ["application/x-image", "image/png", "binary/octet-stream"] {
            let answer = try await server.exchange(
                "POST", "/invocations", fields: ["Content-Type": type], body: TestPicture.png)
            #expect(answer.status == 200 && answer.bytes == expected.bytes, "\(type)")
        }
        await server.stop()
    }

    @Test func `TensorFlow's and KServe's instances get the probabilities of all classes, in their order`() async throws
    {
        let server = try await LiveServer(try TinyModel())
        let expected = try await predicted(server)
        for instance in [
            #"{"b64": "\#(Self.image)"}"#, #"{"image_bytes": {"b64": "\#(Self.image)"}}"#, #""\#(Self.image)""#,
            #"{"key": 7, "image": {"b64": "\#(Self.image)", "format": "png"}}"#,
        ] {
            let body = #"{"signature_name": "serving_default", "instances": [\#(instance), \#(instance)]}"#
            let answer = try await server.exchange("POST", "/v1/models/tiny:predict", body: Array(body.utf8))
            let rows = try #require(try answer.json()["predictions"] as? [[Double]], "\(answer.body)")
            #expect(rows.count == 2 && rows[0] == rows[1] && rows[0].count == 3)
            for (label, probability) in expected {
                let index = try #require(Int(label.split(separator: " ")[1]))
                #expect(rows[0][index] == probability)
            }
        }
        let body = #"{"examples": [{"image": {"b64": "\#(Self.image)"}}]}"#
        let answer = try await server.exchange("POST", "/v1/models/tiny:classify", body: Array(body.utf8))
        let pairs = try #require((try answer.json()["results"] as? [[[Any]]])?.first)
        #expect(pairs.map { $0[0] as? String } == expected.map(\.label))
        #expect(pairs.map { $0[1] as? Double } == expected.map(\.probability))
        await server.stop()
    }

    @Test(arguments: [
        "", "[]", "{}", "null", #"{"instances": []}"#, #"{"instances": [[[0.1, 0.2]]]}"#, #"{"instances": [1]}"#,
        #"{"instances": {"b64": "AAAA"}}"#, #"{"instances": [{}]}"#, #"{"instances": [{"a": 1}]}"#,
        #"{"instances": [{"b64": "AAAA"}], "instances": []}"#, #"{"instances": [{"b64": "?"}]}"#,
        #"{"instances": [{"a": {"b": {"c": {"b64": "AAAA"}}}}]}"#, #"{"instances": [{"b64": "AAAA"}]"#,
    ])
    func `anything else is refused with a sentence that clients find`(body: String) async throws {
        let server = try await LiveServer(try TinyModel())
        let answer = try await server.exchange("POST", "/v1/models/tiny:predict", body: Array(body.utf8))
        #expect(answer.status == 400, "\(answer.body)")
        #expect(try answer.json()["error"] as? String == answer.detail)
        await server.stop()
    }

    @Test func `as many instances are taken as images in any request, and one more is too many`() async throws {
        let server = try await LiveServer(try TinyModel()) { $0.images.maxPerRequest = 2 }
        func status(_ count: Int) async throws -> Int {
            let list = Array(repeating: "\"\(Self.image)\"", count: count).joined(separator: ",")
            return try await server.exchange(
                "POST", "/v1/models/tiny:predict", body: Array(#"{"instances": [\#(list)]}"#.utf8)
            ).status
        }
        #expect(try await status(2) == 200)
        #expect(try await status(3) == 413)
        await server.stop()
    }
}
