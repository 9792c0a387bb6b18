import Foundation
import ModelTestSupport
import Testing
import TestSupport

@testable import Server

@Suite(.timeLimit(.minutes(2))) struct V2StatisticsTests {
    private static func entry(_ server: LiveServer, _ path: String = "/v2/models/stats") async throws -> [String: Any] {
        let list = try await server.exchange("GET", path).json()["model_stats"] as? [[String: Any]]
        return try #require(list?.first)
    }

    private static func tally(_ name: String, _ entry: [String: Any]) -> (count: Int, ns: Int) {
        let tally = (entry["inference_stats"] as? [String: Any])?[name] as? [String: Int]
        return (tally?["count"] ?? -1, tally?["ns"] ?? -1)
    }

    @Test func `before the first request everything is zero`() async throws {
        let server = try await LiveServer(try TinyModel())
        let version = try #require(server.store.defaultSlot?.model?.version)
        let zero = #"{"count":0,"ns":0}"#
        #expect(
            try await server.exchange("GET", "/v2/models/stats").body
                == #"{"model_stats":[{"batch_stats":[],"execution_count":0,"inference_count":0,"inference_stats":"#
                + #"{"cache_hit":\#(zero),"cache_miss":\#(zero),"compute_infer":\#(zero),"compute_input":\#(zero),"#
                + #""compute_output":\#(zero),"fail":\#(zero),"queue":\#(zero),"success":\#(zero)},"#
                + #""last_inference":0,"name":"tiny","version":"\#(version)"}]}"#)
        await server.stop()
    }

    @Test func `requests of both interfaces are counted, with their images and batches`() async throws {
        let server = try await LiveServer(try TinyModel())
        let before = Int(Date().timeIntervalSince1970 * 1000)
        #expect(try await server.exchange("POST", "/predict", body: TestPicture.png).status == 200)
        #expect(try await V2Call("UINT8", [3, 1, 1, 1], data: "[1,2,3]").send(to: server).status == 200)
        #expect(try await V2Call("BYTES", [1], binary: V2Call.element(TestPicture.gif)).send(to: server).status == 415)
        #expect(try await V2Call("BYTES", [1]).send(to: server).status == 400)  // no data: it never got to the model
        for path in ["/v2/models/stats", "/v2/models/tiny/stats"] {
            let entry = try await Self.entry(server, path)
            #expect(entry["inference_count"] as? Int == 4)
            #expect(Self.tally("success", entry).count == 2)
            #expect(Self.tally("fail", entry).count == 1)
            for name in ["queue", "compute_input", "compute_infer", "compute_output"] {
                #expect(Self.tally(name, entry).count == 2)
            }
            #expect(Self.tally("success", entry).ns >= Self.tally("compute_infer", entry).ns)
            #expect(Self.tally("compute_infer", entry).ns > 0)
            #expect((entry["last_inference"] as? Int ?? 0) >= before)
            let batches = try #require(entry["batch_stats"] as? [[String: Any]])
            let executions = batches.map { ($0["compute_infer"] as? [String: Int])?["count"] ?? 0 }
            #expect(executions.reduce(0, +) == entry["execution_count"] as? Int)
            let images = zip(batches, executions).map { ($0["batch_size"] as? Int ?? 0) * $1 }
            #expect(images.reduce(0, +) == 4)
        }
        await server.stop()
    }

    @Test func `a new version starts at zero`() async throws {
        let tiny = try TinyModel()
        let server = try await LiveServer(tiny)
        #expect(try await server.exchange("POST", "/predict", body: TestPicture.png).status == 200)
        #expect(try await Self.entry(server)["inference_count"] as? Int == 1)
        try tiny.writeCheckpoint(seed: 2)
        _ = await server.store.defaultSlot?.reload()
        #expect(try await Self.entry(server)["inference_count"] as? Int == 0)
        await server.stop()
    }
}
