import Foundation
import Inference
import ModelTestSupport
import Testing
import TestSupport

@testable import Server

@Suite(.timeLimit(.minutes(2))) struct V2InferTests {
    /// Three by two pixels of three channels.
    private static let pixels: [UInt8] = (0..<18).map { UInt8($0 * 14) }
    private static let image = PixelImage(width: 3, height: 2, channelCount: 3, pixels: pixels)
    private static let pixelText = "[" + pixels.map { "\($0)" }.joined(separator: ",") + "]"
    private static let base64 = Data(TestPicture.png).base64EncodedString()

    /// What the network answers to the same pixels without a server.
    private static func expected(_ server: LiveServer, _ image: PixelImage) throws -> [Float] {
        let model = try #require(server.store.defaultSlot?.model)
        return try #require(model.logits([model.preprocessing(image)]).first)
    }

    /// The network's input for an image as a client computes it. Shape: `[C, H, W]`.
    private static func normalised(_ server: LiveServer, _ image: PixelImage) throws -> [Float] {
        let preprocessing = try #require(server.store.defaultSlot?.model).preprocessing
        let values = preprocessing(image).scalars
        let (channels, area) = (3, values.count / 3)
        return (0..<channels).flatMap { channel in (0..<area).map { values[$0 * channels + channel] } }
    }

    /// Whether all are the same but for float32's rounding: two images may be summed in another order than one.
    private static func areClose(_ found: [Float], _ expected: [Float]) -> Bool {
        found.count == expected.count
            && zip(found, expected).allSatisfy { abs($0 - $1) <= 1e-6 * max(1, abs($1)) }
    }

    /// Texts behind their lengths in four bytes.
    private static func texts(_ binary: [UInt8]) -> [String] {
        var texts: [String] = []
        var rest = binary[...]
        while rest.count >= 4 {
            let count = rest.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(4)
            texts.append(String(decoding: rest.prefix(count), as: UTF8.self))
            rest = rest.dropFirst(count)
        }
        return texts
    }

    @Test func `pixels are answered the same flat, nested and binary, with the network's outputs`() async throws {
        let server = try await LiveServer(try TinyModel())
        let logits = try Self.expected(server, Self.image)
        let rows = (0..<2).map { row in
            "["
                + (0..<3).map { column in
                    "["
                        + Self.pixels[(row * 3 + column) * 3..<(row * 3 + column) * 3 + 3].map { "\($0)" }
                        .joined(separator: ", ") + "]"
                }.joined(separator: ",") + "]"
        }
        for call in [
            V2Call("UINT8", [1, 2, 3, 3], data: Self.pixelText),
            V2Call("UINT8", [1, 2, 3, 3], data: "[[" + rows.joined(separator: ",") + "]]"),
            V2Call("UINT8", [1, 2, 3, 3], binary: Self.pixels),
        ] {
            let answer = try await call.send(to: server)
            #expect(answer.status == 200 && answer.fields["content-type"] == "application/json", "\(answer.body)")
            #expect(try answer.values("logits") == logits)
            #expect(try answer.values("probabilities") == Softmax.probabilities(of: logits))
            #expect(try answer.output("logits")["shape"] as? [Int] == [1, 3])
            #expect(try answer.output("logits")["datatype"] as? String == "FP32")
            #expect(try answer.v2()["model_name"] as? String == "tiny")
            #expect(try answer.v2()["model_version"] as? String == server.store.defaultSlot?.model?.version)
            #expect(try answer.v2()["id"] == nil)
        }
        await server.stop()
    }

    @Test func `one channel of pixels is grey`() async throws {
        let server = try await LiveServer(try TinyModel())
        let grey = PixelImage(width: 2, height: 1, channelCount: 1, pixels: [10, 200])
        for call in [
            V2Call("UINT8", [1, 1, 2, 1], data: "[10, 200]"), V2Call("UINT8", [1, 1, 2, 1], binary: [10, 200]),
        ] {
            #expect(try await call.send(to: server).values("logits") == Self.expected(server, grey))
        }
        await server.stop()
    }

    @Test func `encoded images are answered as by /predict, in JSON and binary, one and two, of shape [N] and [N, 1]`()
        async throws
    {
        let server = try await LiveServer(try TinyModel())
        let probabilities = try await server.exchange("POST", "/predict", body: TestPicture.png).probabilities()
        #expect(probabilities.count == 3)
        let element = V2Call.element(TestPicture.png)
        for (call, count) in [
            (V2Call("BYTES", [1], data: "[\"\(Self.base64)\"]"), 1),
            (V2Call("BYTES", [1, 1], data: "[[\"data:image/png;base64,\(Self.base64)\"]]"), 1),
            (V2Call("BYTES", [2], data: "[\"\(Self.base64)\",\"\(Self.base64)\"]"), 2),
            (V2Call("BYTES", [2, 1], binary: element + element), 2),
        ] {
            let answer = try await call.send(to: server)
            #expect(
                Self.areClose(try answer.values("probabilities"), (0..<count).flatMap { _ in probabilities }),
                "\(answer.body)")
            #expect(try answer.output("probabilities")["shape"] as? [Int] == [count, 3])
        }
        let raw = try await server.exchange(
            "POST", "/v2/models/tiny/infer", fields: ["Inference-Header-Content-Length": "0"], body: TestPicture.png)
        let values = stride(from: 0, to: 12, by: 4).map { start in
            raw.binary[start..<start + 4].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        }
        #expect(Self.areClose(values.map(Float.init(bitPattern:)), probabilities), "an image file without JSON")
        await server.stop()
    }

    @Test func `normalised tensors are answered as the pixels they were made of, in JSON and binary`()
        async throws
    {
        let server = try await LiveServer(try TinyModel())
        let logits = try Self.expected(server, Self.image)
        let values = try Self.normalised(server, Self.image)
        let text = values.map { "\($0)" }.joined(separator: ",")
        for (call, count) in [
            (V2Call("FP32", [1, 3, 224, 224], data: "[\(text)]"), 1),
            (V2Call("FP32", [1, 3, 224, 224], binary: V2Call.bytes(values)), 1),
            (V2Call("FP32", [2, 3, 224, 224], binary: V2Call.bytes(values + values)), 2),
        ] {
            let answer = try await call.send(to: server)
            #expect(Self.areClose(try answer.values("logits"), (0..<count).flatMap { _ in logits }))
        }
        await server.stop()
    }

    @Test func `a network with channels in the order blue, green, red takes a tensor's channels as they are`()
        async throws
    {
        let tiny = try TinyModel()
        try tiny.write(
            "model.json", #"{"preprocessing": {"colour": "bgr", "mean": [0.1, 0.2, 0.3], "deviation": [1, 2, 3]}}"#)
        let server = try await LiveServer(tiny)
        let values = try Self.normalised(server, Self.image)
        let answer = try await V2Call("FP32", [1, 3, 224, 224], binary: V2Call.bytes(values)).send(to: server)
        #expect(try answer.values("logits") == Self.expected(server, Self.image))
        await server.stop()
    }

    @Test func `members come in any order, unknown ones are ignored, and the id is sent back`() async throws {
        let server = try await LiveServer(try TinyModel())
        let call = V2Call(
            json: #"""
                {"extra": [{"a": [1, null, true]}], "outputs": [{"name": "logits", "more": {}}],
                 "inputs": [{"data": \#(Self.pixelText), "note": "x", "parameters": {"a": 1.5e3}, "shape": [1, 2, 3, 3],
                             "datatype": "UINT8", "name": "input"}],
                 "parameters": {"priority": 3, "sequence_start": false}, "id": "a \"quoted\" \u00e9"}
                """#)
        let answer = try await call.send(to: server)
        #expect(answer.body.hasPrefix(#"{"id":"a \"quoted\" é","model_name":"tiny","model_version":""#))
        #expect((try answer.v2()["outputs"] as? [Any])?.count == 1)
        #expect(try answer.values("logits") == Self.expected(server, Self.image))
        await server.stop()
    }

    @Test func `outputs come in the requested order, each in JSON or binary`() async throws {
        let server = try await LiveServer(try TinyModel())
        let logits = try Self.expected(server, Self.image)
        let probabilities = Softmax.probabilities(of: logits)
        func answer(_ also: String) async throws -> TestClient.Answer {
            try await V2Call("UINT8", [1, 2, 3, 3], data: Self.pixelText, also: also).send(to: server)
        }
        let both = try await answer(#""parameters":{"binary_data_output":true}"#)
        #expect(both.fields["content-type"] == "application/octet-stream")
        #expect(both.binary == V2Call.bytes(probabilities) + V2Call.bytes(logits))
        #expect(try both.output("logits")["parameters"] as? [String: Int] == ["binary_data_size": 12])
        #expect(try both.output("logits")["data"] == nil)

        let swapped = try await answer(
            #""outputs":[{"name":"logits","parameters":{"binary_data":true}},{"name":"probabilities"}]"#)
        #expect(swapped.binary == V2Call.bytes(logits))
        #expect(try swapped.values("probabilities") == probabilities)

        let overruled = try await answer(
            #""parameters":{"binary_data_output":true},"outputs":[{"name":"logits","parameters":{"binary_data":false}}]"#
        )
        #expect(overruled.fields["inference-header-content-length"] == nil)
        #expect(try overruled.values("logits") == logits)
        await server.stop()
    }

    @Test(arguments: [(1, 1), (2, 2), (3, 3), (9, 3)])
    func `classification names the best classes as value, index and label`(asked: Int, given: Int) async throws {
        let server = try await LiveServer(try TinyModel())
        let logits = try Self.expected(server, Self.image)
        let probabilities = Softmax.probabilities(of: logits)
        let order = logits.indices.sorted { logits[$0] > logits[$1] }.prefix(given)
        for (name, values) in [("probabilities", probabilities), ("logits", logits)] {
            for isBinary in [false, true] {
                let answer = try await V2Call(
                    "UINT8", [2, 2, 3, 3], binary: Self.pixels + Self.pixels,
                    also:
                        #""outputs":[{"name":"\#(name)","parameters":{"classification":\#(asked),"binary_data":\#(isBinary)}}]"#
                ).send(to: server)
                #expect(try answer.output(name)["datatype"] as? String == "BYTES")
                #expect(try answer.output(name)["shape"] as? [Int] == [2, given])
                let texts =
                    try isBinary
                    ? Self.texts(answer.binary) : #require(answer.output(name)["data"] as? [String])
                let parts = texts.map { $0.split(separator: ":").map(String.init) }
                #expect(parts.map { Array($0.dropFirst()) } == (order + order).map { ["\($0)", "class \($0)"] })
                #expect(
                    Self.areClose(parts.compactMap { $0.first.flatMap(Float.init) }, (order + order).map { values[$0] })
                )
            }
        }
        await server.stop()
    }

    @Test func `a request may be compressed; the header's length is that of the uncompressed JSON`() async throws {
        let server = try await LiveServer(try TinyModel())
        let call = V2Call("UINT8", [1, 2, 3, 3], binary: Self.pixels)
        for (coding, body) in [
            ("gzip", TestCompression.gzip(call.body)), ("deflate", TestCompression.zlib(call.body)),
        ] {
            let answer = try await server.exchange(
                "POST", "/v2/models/tiny/infer", fields: call.fields.merging(["Content-Encoding": coding]) { $1 },
                body: body)
            #expect(try answer.values("logits") == Self.expected(server, Self.image))
        }
        let answer = try await server.exchange(
            "POST", "/predict", fields: ["Content-Encoding": "gzip"], body: TestCompression.gzip(TestPicture.png))
        #expect(answer.status == 200)
        await server.stop()
    }

    @Test func `predictions are counted as those of /predict`() async throws {
        let server = try await LiveServer(try TinyModel())
        _ = try await V2Call("UINT8", [2, 2, 3, 3], binary: Self.pixels + Self.pixels).send(to: server)
        let logits = try Self.expected(server, Self.image)
        let best = logits.indices.max { logits[$0] < logits[$1] } ?? 0
        let exposition = try await server.exchange("GET", "/metrics").body
        #expect(exposition.contains(#"alexnet_predictions_total{model="tiny",class="class \#(best)"} 2"#))
        #expect(
            exposition.contains(
                #"alexnet_http_requests_total{route="/v2/models/{model}/infer",method="POST",status="200"} 1"#))
        await server.stop()
    }
}
