import Foundation
import ModelTestSupport
import Testing
import TestSupport

@testable import Server

/// Every way in which an inference request can be wrong, over a live socket.
@Suite(.timeLimit(.minutes(2))) struct V2ErrorTests {
    private func expect(
        _ answer: TestClient.Answer, _ status: Int, saying words: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        #expect(answer.status == status, "\(answer.body)", sourceLocation: sourceLocation)
        #expect(answer.fields["content-type"] == "application/problem+json", sourceLocation: sourceLocation)
        let error = try answer.json()["error"] as? String ?? ""
        #expect(error.contains(words), "\(error)", sourceLocation: sourceLocation)
        #expect(answer.detail == error, sourceLocation: sourceLocation)
    }

    private static let input = #""name":"input","datatype":"UINT8","shape":[1,1,2,1]"#

    @Test(arguments: [
        ("", "byte 0 there is the end where '{'"), ("[]", "'{' was expected"), ("{", "the end"),
        ("{}", "has no \"inputs\"; send one, named \"input\""), (#"{"inputs":[]}"#, "has no \"inputs\""),
        (#"{"inputs":[{}]}"#, "has no \"name\""), (#"{"inputs":{}}"#, "'[' was expected"),
        (#"{"inputs":[{"name":"input"}]}"#, "has no \"datatype\""),
        (#"{"inputs":[{"name":"input","datatype":"UINT8"}]}"#, "has no \"shape\""),
        (#"{"inputs":[{\#(input)}]}"#, "has no data"),
        (#"{"inputs":[{\#(input),"data":[1,2]}]} x"#, "the end of the JSON"),
        (#"{"inputs":[{\#(input),"data":[1,2]}],"inputs":[]}"#, "\"inputs\" occurs more than once"),
        (#"{"inputs":[{\#(input),"data":[1,2],"data":[1,2]}]}"#, "\"data\" occurs more than once"),
        (#"{"inputs":[{\#(input),"name":"input"}]}"#, "\"name\" occurs more than once"),
        (#"{"id":"a","id":"b"}"#, "\"id\" occurs more than once"), (#"{"id":7}"#, "'\"' was expected"),
        (
            #"{"inputs":[{\#(input),"data":[1,2]},{\#(input),"data":[1,2]}]}"#,
            "The input \"input\" occurs more than once"
        ),
        (
            #"{"inputs":[{\#(input),"data":[1,2]},{"name":"mask"}]}"#,
            "no input \"mask\"; the model has one, named \"input\""
        ),
        (#"{"inputs":[{"name":"data_0"}]}"#, "no input \"data_0\""),
        (
            #"{"inputs":[{\#(input),"data":[1,2]}],"outputs":[{"name":"boxes"}]}"#,
            "has \"probabilities\" and \"logits\""
        ),
        (
            #"{"inputs":[{\#(input),"data":[1,2]}],"outputs":[{"name":"logits"},{"name":"logits"}]}"#,
            "more than once"
        ),
        (#"{"inputs":[{\#(input),"data":[1,2]}],"outputs":[{}]}"#, "name of an output"),
        (
            #"{"outputs":[{"name":"logits","parameters":{"classification":-1}}]}"#,
            "classification of an output takes"
        ),
        (#"{"outputs":[{"name":"logits","parameters":{"classification":"2"}}]}"#, "a whole number of 0 or more"),
        (#"{"outputs":[{"name":"logits","parameters":{"binary_data":1}}]}"#, "true or false"),
        (#"{"outputs":[{"name":"logits","parameters":{"shared_memory_region":"a"}}]}"#, "shared memory"),
        (#"{"inputs":[{\#(input),"parameters":{"shared_memory_region":"a"}}]}"#, "is in shared memory"),
        (#"{"inputs":[{\#(input),"parameters":{"binary_data_size":-1}}]}"#, "a whole number of bytes"),
        (
            #"{"inputs":[{\#(input),"parameters":{"binary_data_size":2}}]}"#,
            "say in Inference-Header-Content-Length"
        ),
        (#"{"parameters":{"timeout":-1}}"#, "timeout takes"),
        (#"{"parameters":{"binary_data_output":1}}"#, "true or false"),
        (#"{"parameters":{"a":\#(String(repeating: "[", count: 99))"#, "less nesting"),
        (#"{"a":\#(String(repeating: #"{"a":"#, count: 99))"#, "less nesting"),
    ])
    func `malformed inference requests are refused with what was expected`(_ json: String, words: String) async throws {
        let server = try await LiveServer(try TinyModel())
        try expect(await V2Call(json: json).send(to: server), 400, saying: words)
        await server.stop()
    }

    @Test(
        arguments: [
            ("FP32", [3, 224, 224]), ("FP32", [1, 224, 224, 3]), ("FP32", [1, 3, 223, 224]),
            ("FP32", [0, 3, 224, 224]),
            ("FP32", []), ("FP32", [1]), ("UINT8", [2, 3, 3]), ("UINT8", [1, 2, 3, 2]), ("UINT8", [1, 0, 3, 3]),
            ("UINT8", [1, 3, 0, 3]), ("UINT8", [0, 2, 2, 3]), ("BYTES", []), ("BYTES", [0]), ("BYTES", [1, 2]),
            ("BYTES", [1, 1, 1]), ("FP16", [1, 3, 224, 224]), ("INT64", [1]), ("fp32", [1, 3, 224, 224]),
        ] as [(String, [Int])])
    func `unsupported shapes and datatypes are refused with the supported ones`(
        datatype: String, shape: [Int]
    ) async throws {
        let server = try await LiveServer(try TinyModel())
        for call in [V2Call(datatype, shape, data: "[1]"), V2Call(datatype, shape, binary: [1, 0, 0, 0])] {
            try expect(await call.send(to: server), 400, saying: "it takes FP32 [N, 3, 224, 224]")
        }
        await server.stop()
    }

    @Test func `too many axes and numbers out of range are refused while they are parsed`() async throws {
        let server = try await LiveServer(try TinyModel())
        for shape in [Array(repeating: 1, count: 9), [1, 2, 3, 3, -1]] {
            #expect(try await V2Call("UINT8", shape, data: "[1]").send(to: server).status == 400)
        }
        let call = V2Call(
            json: #"{"inputs":[{"name":"input","datatype":"UINT8","shape":[1,99999999999999999999,1,1],"data":[]}]}"#)
        try expect(await call.send(to: server), 400, saying: "out of range")
        let wide = V2Call("UINT8", [1, Int.max, Int.max, 3], data: "[1]")
        try expect(await wide.send(to: server), 413, saying: "pixels")
        await server.stop()
    }

    @Test(arguments: [
        ("[1]", "an array of 1 values where one of 2, as the shape says"), ("[1,2,3]", "more values"),
        ("[]", "no values"), ("[[1,2]]", "'[' was expected"), ("[1,256]", "0 to 255"), ("[1,1.5]", "0 to 255"),
        ("[1,\"2\"]", "a number"), ("7", "'['"), ("null", "'['"), ("[1,2", "']'"),
    ])
    func `values that do not fit the shape are refused`(data: String, words: String) async throws {
        let server = try await LiveServer(try TinyModel())
        try expect(await V2Call("UINT8", [1, 1, 2, 1], data: data).send(to: server), 400, saying: words)
        await server.stop()
    }

    @Test func `malformed base64 and values that are not finite are refused`() async throws {
        let server = try await LiveServer(try TinyModel())
        let call = V2Call("BYTES", [2], data: "[\"\(Data(TestPicture.png).base64EncodedString())\", \"?\"]")
        try expect(await call.send(to: server), 400, saying: "Image 1 is not base64")
        var values = [Float](repeating: 0, count: 2 * 3 * 224 * 224)
        for bad in [Float.nan, .infinity, -.infinity] {
            values[150_528 + 9] = bad
            let call = V2Call("FP32", [2, 3, 224, 224], binary: V2Call.bytes(values))
            try expect(await call.send(to: server), 400, saying: "Value 150537 of the input is not a finite number")
        }
        for bad in ["1e39", "NaN", "Infinity", "null"] {
            let call = V2Call("FP32", [1, 3, 224, 224], data: "[1,\(bad)]")
            try expect(await call.send(to: server), 400, saying: "The JSON is not an inference request")
        }
        await server.stop()
    }

    @Test func `binary data that are too short, too long, or not announced are refused`() async throws {
        let server = try await LiveServer(try TinyModel())
        let right = V2Call("UINT8", [1, 1, 2, 1], binary: [1, 2])
        #expect(try await right.send(to: server).status == 200)
        for (binary, words) in [([1], "takes 2 bytes"), ([1, 2, 3], "takes 2 bytes")] as [([UInt8], String)] {
            try expect(await V2Call("UINT8", [1, 1, 2, 1], binary: binary).send(to: server), 400, saying: words)
        }
        func send(_ call: V2Call, header: String, extra: [UInt8] = []) async throws -> TestClient.Answer {
            try await server.exchange(
                "POST", "/v2/models/tiny/infer", fields: ["Inference-Header-Content-Length": header],
                body: call.body + extra)
        }
        let count = right.json.utf8.count
        try expect(await send(right, header: "\(count)", extra: [3]), 400, saying: "belong to no input")
        try expect(await send(right, header: "\(count - 1)"), 400, saying: "the end")
        try expect(await send(right, header: "\(count + 1)"), 400, saying: "the end of the JSON")
        try expect(await send(right, header: "\(count + 3)"), 400, saying: "but the content has \(count + 2)")
        for header in ["", "-1", "+5", "x", "1, 1", "99999999999999999999"] {
            try expect(await send(right, header: header), 400, saying: "it takes the length of the JSON in bytes")
        }
        var short = right
        short.binary = [1]
        try expect(await short.send(to: server), 400, saying: "announces 2 bytes behind the JSON; 1 follow")
        let unclaimed = V2Call("UINT8", [1, 1, 2, 1], data: "[1,2]")
        try expect(
            await send(unclaimed, header: "\(unclaimed.json.utf8.count)", extra: [1]), 400, saying: "belong to no input"
        )
        let double = V2Call("UINT8", [1, 1, 2, 1], data: "[1,2]", binary: [1, 2])
        try expect(await double.send(to: server), 400, saying: "both data and binary_data_size")
        await server.stop()
    }

    @Test func `BYTES with elements that are cut off, or not as many as the shape says, are refused`() async throws {
        let server = try await LiveServer(try TinyModel())
        let whole = V2Call.element(TestPicture.png)
        for (shape, binary, words) in [
            ([1], [], "Element 0 of the 1"), ([1], [1, 0, 0], "Element 0 of the 1"),
            ([1], Array(whole.dropLast()), "Element 0"),
            ([2], whole, "Element 1 of the 2"), ([1], whole + whole, "belong to no input"),
            ([1], [255, 255, 255, 255, 1], "cut off"),
        ] as [([Int], [UInt8], String)] {
            try expect(await V2Call("BYTES", shape, binary: binary).send(to: server), 400, saying: words)
        }
        await server.stop()
    }

    @Test func `a bad image alone has its own status; among others its index is named`() async throws {
        let server = try await LiveServer(try TinyModel()) { $0.images.maxPixels = 100 }
        for (image, status, words) in [
            (TestPicture.gif, 415, "GIF"), (TestPicture.truncatedPNG, 400, "truncated"),
            (TestPicture.hugePNG, 413, "60000×60000"),
        ] {
            let element = V2Call.element(image)
            try expect(await V2Call("BYTES", [1], binary: element).send(to: server), status, saying: words)
            let several = V2Call("BYTES", [3], binary: V2Call.element(TestPicture.png) + element + element)
            try expect(await several.send(to: server), 400, saying: "Image 1: ")
        }
        let exposition = try await server.exchange("GET", "/metrics").body
        #expect(!exposition.contains("alexnet_predictions_total{"))
        await server.stop()
    }

    @Test func `pixels and images at their limits and one above`() async throws {
        let server = try await LiveServer(try TinyModel()) { settings in
            settings.images.maxPixels = 6
            settings.images.maxPerRequest = 3
        }
        func pixels(_ shape: [Int]) -> V2Call {
            V2Call("UINT8", shape, binary: [UInt8](repeating: 1, count: shape.reduce(1, *)))
        }
        #expect(try await pixels([1, 2, 3, 3]).send(to: server).status == 200)
        try expect(await pixels([1, 7, 1, 3]).send(to: server), 413, saying: "1×7")
        #expect(try await pixels([3, 1, 1, 1]).send(to: server).status == 200)
        try expect(await pixels([4, 1, 1, 1]).send(to: server), 413, saying: "at most 3 are taken in one request")
        let id = String(repeating: "a", count: InferenceRequest.maxIDByteCount)
        #expect(
            try await V2Call("UINT8", [1, 1, 1, 1], data: "[1]", also: "\"id\":\"\(id)\"").send(to: server).status
                == 200)
        try expect(
            await V2Call("UINT8", [1, 1, 1, 1], data: "[1]", also: "\"id\":\"\(id)a\"").send(to: server), 400,
            saying: "1024 bytes")
        await server.stop()
    }

    @Test func `a form is 415, bad codings are 415 and 400, all with V2's member`() async throws {
        let server = try await LiveServer(try TinyModel())
        let path = "/v2/models/tiny/infer"
        try expect(
            await server.exchange(
                "POST", path, fields: ["Content-Type": "multipart/form-data; boundary=boundary"],
                body: TestPicture.form([("a.png", TestPicture.png)])), 415, saying: "form")
        try expect(
            await server.exchange("POST", path, fields: ["Content-Encoding": "br"], body: [1]), 415, saying: "'br'")
        try expect(
            await server.exchange("POST", path, fields: ["Content-Encoding": "gzip"], body: [1]), 400, saying: "gzip")
        // curl -d says so of everything.
        let call = V2Call("UINT8", [1, 1, 1, 1], data: "[1]")
        let type = ["Content-Type": "application/x-www-form-urlencoded"]
        #expect(try await server.exchange("POST", path, fields: type, body: call.body).status == 200)
        await server.stop()
    }

    @Test func `timeout shortens the deadline and never extends it; 0 means none`() async throws {
        let server = try await LiveServer(try TinyModel()) { settings in
            settings.batching.maxQueueDelay = .seconds(600)
            settings.batching.requestDeadline = .milliseconds(300)
        }
        func call(_ timeout: Int) -> V2Call {
            V2Call("UINT8", [1, 1, 1, 1], data: "[1]", also: #""parameters":{"timeout":\#(timeout)}"#)
        }
        try expect(
            await call(1000).send(to: server), 504, saying: "0.001 seconds of the request's last byte (the request's")
        for timeout in [0, 10_000_000, 999_999_999_999_999_999] {
            try expect(await call(timeout).send(to: server), 504, saying: "batching.request_deadline")
        }
        let exposition = try await server.exchange("GET", "/metrics").body
        #expect(exposition.contains("alexnet_rejected_total{reason=\"deadline\"} 4\n"))
        let statistics = try await server.exchange("GET", "/v2/models/tiny/stats").body
        #expect(statistics.contains(#""fail":{"count":4,"#))
        await server.stop()
    }
}
