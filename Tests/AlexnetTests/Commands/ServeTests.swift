import Foundation
import ModelTestSupport
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(2))) struct ServeTests {
    private let tiny: TinyModel

    init() throws { tiny = try TinyModel() }

    private var models: String { tiny.folder.deletingLastPathComponent().path }

    @Test(arguments: [SIGTERM, SIGINT])
    func `a server says when it is ready, answers an image, and ends with 0 at a signal`(_ signal: Int32) async throws {
        let server = try RunningProgram(["serve", "--port", "0", "--models", models, "--threads", "2"])
        try await eventually("the line of a server that is ready", within: .seconds(60)) {
            server.output.hasSuffix("\n")
        }
        let ready = try #require(
            server.output.wholeMatch(of: /ready http:\/\/127\.0\.0\.1:([0-9]+)\n/), "\(server.error)")
        let client = TestClient(port: try #require(Int(ready.1)))
        #expect(try await client.exchange("GET", "/readyz").status == 200)
        let answer = try await client.exchange(
            "POST", "/predict", fields: ["Content-Type": "image/png"], body: TestPicture.png)
        #expect(answer.status == 200)
        let json = try #require(try JSONSerialization.jsonObject(with: Data(answer.bytes)) as? [String: Any])
        #expect((json["class"] as? String)?.hasPrefix("class ") == true)
        #expect(json["model"] as? String == "tiny")
        server.send(signal)
        let run = try await server.end()
        #expect(run.code == 0, "\(run.error)")
        #expect(run.output == String(ready.0), "standard output has only the line of a server that is ready")
    }

    @Test func `a checkpoint is served without a model folder`() async throws {
        let server = try RunningProgram([
            "serve", "--port", "0", "--checkpoint", tiny.path("model.safetensors"), "--classes",
            tiny.path("class_indices.json"), "--log-format", "json",
        ])
        try await eventually("the line of a server that is ready", within: .seconds(60)) {
            server.output.hasPrefix("ready http://")
        }
        for line in server.error.split(separator: "\n") {
            #expect(throws: Never.self, "\(line)") { try JSONSerialization.jsonObject(with: Data(line.utf8)) }
        }
        server.send(SIGTERM)
        #expect(try await server.end().code == 0)
    }

    @Test(arguments: [
        (["--port", "70000"], "70000"), (["--port", "-1"], "-1"), (["--models", "none"], "none"),
        (["--checkpoint", "none.pth"], "There is no file none.pth (--checkpoint)."),
        (["--config", "none.yaml"], "none.yaml"), (["--prot", "80"], "--prot"),
    ])
    func `a wrong configuration ends with 2 and says what is wrong`(_ arguments: [String], _ excerpt: String)
        async throws
    {
        let run = try await BuiltProgram.run(["serve"] + arguments)
        #expect(run.code == 2)
        #expect(run.output == "")
        #expect(run.error.contains(excerpt), "\(run.error)")
    }

    @Test func `a model folder given as the models' directory is recognised`() async throws {
        let run = try await BuiltProgram.run(["serve", "--port", "0", "--models", tiny.folder.path])
        #expect(run.code == 2)
        #expect(
            run.error.hasSuffix(
                "alexnet: \(tiny.folder.path) is a model folder itself; --models takes its parent directory: --models "
                    + "\(models).\n"), "\(run.error)")
    }
}
