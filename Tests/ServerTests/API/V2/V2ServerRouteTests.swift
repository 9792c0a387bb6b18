import ModelTestSupport
import Testing
import TestSupport

@testable import Server

@Suite(.timeLimit(.minutes(2))) struct V2ServerRouteTests {
    @Test func `the server has metadata, and says whether it is live and ready`() async throws {
        let tiny = try TinyModel()
        let server = try await LiveServer(tiny, loadsModel: false)
        #expect(
            try await server.exchange("GET", "/v2").body
                == #"{"extensions":["binary_tensor_data","classification","model_configuration","statistics"],"#
                + #""name":"alexnet","version":"\#(Version.current)"}"#)
        #expect(try await server.exchange("GET", "/v2/health/live").body == #"{"live":true}"#)
        for path in ["/v2/health/ready", "/v2/models/tiny/ready", "/v2/models/tiny", "/v2/models/tiny/stats"] {
            let answer = try await server.exchange("GET", path)
            #expect(answer.status == 503 && answer.fields["retry-after"] == "1", "\(path)")
            #expect(try answer.json()["error"] as? String == answer.detail)
        }
        #expect(try await V2Call("BYTES", [1], data: "[\"\"]").send(to: server).status == 503)
        #expect(try await server.exchange("GET", "/v2/models/stats").body == #"{"model_stats":[]}"#)
        _ = await server.store.loadAll()
        #expect(try await server.exchange("GET", "/v2/health/ready").body == #"{"ready":true}"#)
        #expect(try await server.exchange("GET", "/v2/models/tiny/ready").body == #"{"name":"tiny","ready":true}"#)
        server.phase.leave()
        #expect(try await server.exchange("GET", "/v2/health/ready").status == 503)
        #expect(try await server.exchange("GET", "/v2/health/live").status == 200)
        server.phase.finish(at: .now)
        #expect(try await V2Call("BYTES", [1], data: "[\"\"]").send(to: server).status == 503)
        await server.stop()
    }

    @Test func `a model has metadata and a configuration, under every path of its version`() async throws {
        let server = try await LiveServer(try TinyModel())
        let version = try #require(server.store.defaultSlot?.model?.version)
        let metadata =
            #"{"inputs":[{"datatype":"FP32","name":"input","shape":[-1,3,224,224]}],"name":"tiny","#
            + #""outputs":[{"datatype":"FP32","name":"probabilities","shape":[-1,3]},"#
            + #"{"datatype":"FP32","name":"logits","shape":[-1,3]}],"platform":"alexnet","versions":["\#(version)"]}"#
        let configuration =
            #"{"backend":"alexnet","dynamic_batching":{"max_queue_delay_microseconds":0,"preferred_batch_size":[32]},"#
            + #""input":[{"data_type":"TYPE_FP32","dims":[3,224,224],"format":"FORMAT_NCHW","name":"input"}],"#
            + #""max_batch_size":64,"name":"tiny","#
            + #""output":[{"data_type":"TYPE_FP32","dims":[3],"label_filename":"class_indices.json","#
            + #""name":"probabilities"},{"data_type":"TYPE_FP32","dims":[3],"label_filename":"class_indices.json","#
            + #""name":"logits"}],"platform":"","version_policy":{"latest":{"num_versions":1}}}"#
        for path in ["/v2/models/tiny", "/v2/models/tiny/versions/\(version)"] {
            #expect(try await server.exchange("GET", path).body == metadata)
            #expect(try await server.exchange("GET", path + "/config").body == configuration)
            #expect(try await server.exchange("GET", path + "/ready").status == 200)
            #expect(try await server.exchange("GET", path + "/stats").status == 200)
            #expect(
                try await V2Call("UINT8", [1, 1, 1, 1], data: "[5]").send(to: server, path + "/infer").status == 200)
        }
        await server.stop()
    }

    @Test func `an unknown model and an unknown version are 404, with the protocol's member`()
        async throws
    {
        let server = try await LiveServer(try TinyModel())
        for (path, words) in [
            ("/v2/models/other", "served here: tiny"), ("/v2/models/tiny/versions/1", "has no version \"1\""),
            ("/v2/nothing", "/v2/nothing"), ("/v2/models/tiny/nothing", "did you mean GET /v2/models/tiny?"),
        ] {
            for suffix in path.hasSuffix("nothing") ? [""] : ["", "/ready", "/config", "/stats"] {
                let answer = try await server.exchange("GET", path + suffix)
                #expect(answer.status == 404)
                #expect((try answer.json()["error"] as? String)?.contains(words) == true)
                #expect(try answer.json()["error"] as? String == answer.detail)
            }
            let answer = try await V2Call("UINT8", [1, 1, 1, 1], data: "[5]").send(to: server, path + "/infer")
            #expect(answer.status == 404)
        }
        let answer = try await server.exchange("GET", "/v2/models/tiny/infer")
        #expect(answer.status == 405 && answer.fields["allow"] == "POST, OPTIONS")
        #expect((try answer.json()["error"] as? String)?.contains("POST") == true)
        #expect(try await server.exchange("GET", "/nothing").json()["error"] == nil)
        await server.stop()
    }

    @Test func `model.json names the tensors`() async throws {
        let tiny = try TinyModel()
        try tiny.write("model.json", #"{"tensors": {"input": "data_0", "probabilities": "prob_1"}}"#)
        let server = try await LiveServer(tiny)
        let body = try await server.exchange("GET", "/v2/models/tiny").body
        #expect(body.contains(#""name":"data_0""#) && body.contains(#""name":"prob_1""#))
        #expect(body.contains(#""name":"logits""#))
        let call = V2Call(json: #"{"inputs":[{"name":"data_0","shape":[1,1,1,1],"datatype":"UINT8","data":[7]}]}"#)
        let answer = try await call.send(to: server)
        #expect(try answer.values("prob_1").count == 3)
        #expect(try await V2Call("UINT8", [1, 1, 1, 1], data: "[7]").send(to: server).status == 400)
        await server.stop()
    }

    @Test(arguments: [
        #"{"input": "a", "logits": "a"}"#, #"{"logits": "probabilities"}"#, #"{"input": ""}"#, #"{"output": "a"}"#,
        #"{"input": 1}"#, #"{"input": "\#(String(repeating: "a", count: 129))"}"#,
    ])
    func `tensor names that are equal, empty, too long or unknown are refused at load`(
        _ names: String
    ) async throws {
        let tiny = try TinyModel()
        try tiny.write("model.json", #"{"tensors": \#(names)}"#)
        let server = try await LiveServer(tiny)
        #expect(server.store.defaultSlot?.model == nil)
        #expect(server.store.defaultSlot?.absence?.detail.hasPrefix("model.json cannot be used: ") == true)
        await server.stop()
    }
}
