import Foundation
import HTTPServer
import ModelTestSupport
import Testing
import TestSupport

@testable import Server

@Suite(.timeLimit(.minutes(2))) struct QueryRuleTests {
    private static let boundary = "boundary"

    /// A form of an image and plain fields.
    private static func form(_ fields: [(String, String)]) -> [UInt8] {
        var body: [UInt8] = []
        for (name, value) in fields {
            body += Array(
                "--\(boundary)\r\nContent-Disposition: form-data; name=\"\(name)\"\r\n\r\n\(value)\r\n".utf8)
        }
        return body + TestPicture.form([("a.png", TestPicture.png)])
    }

    private static func predict(
        _ server: LiveServer, _ fields: [(String, String)], to target: String = "/predict"
    ) async throws -> TestClient.Answer {
        try await server.exchange(
            "POST", target, fields: ["Content-Type": "multipart/form-data; boundary=\(boundary)"], body: form(fields))
    }

    @Test(arguments: [
        "topk", "top_k", "topK", "TOP", "Top", "k", "n", "tp", "topp", "limit", "num_classes",
    ])
    func `another server's name of a parameter, or a misspelt one, is refused with the right name`(_ name: String)
        async throws
    {
        let server = try await LiveServer(try TinyModel())
        let answer = try await server.exchange("POST", "/predict?\(name)=1", body: TestPicture.png)
        #expect(answer.status == 400)
        #expect(answer.detail == "The query parameter \"\(name)\" is unknown; did you mean top, as in ?top=3?")
        let field = try await Self.predict(server, [(name, "1")])
        #expect(field.status == 400)
        #expect(field.detail == "The form's field \"\(name)\" is unknown; did you mean top, as in -F top=3?")
        await server.stop()
    }

    @Test func `any other parameter is refused with the known names`() async throws {
        let server = try await LiveServer(try TinyModel())
        for target in ["/predict?verbose=1", "/v1/models/tiny/predict?top=1&verbose", "/predict?=1"] {
            let answer = try await server.exchange("POST", target, body: TestPicture.png)
            #expect(answer.status == 400)
            #expect(answer.detail?.contains("this path takes top") == true, "\(answer.detail ?? "")")
        }
        for target in ["/v1/models?top=1", "/v1/models/tiny?verbose", "/classes?x=1", "/v2?x", "/v2/models/tiny?x=1"] {
            let answer = try await server.exchange("GET", target)
            #expect(answer.status == 400, "\(target)")
            #expect(answer.detail?.hasSuffix("is unknown; this path takes none.") == true)
        }
        let infer = try await server.exchange("POST", "/v2/models/tiny/infer?top=1", body: [])
        #expect(infer.status == 400)
        #expect(try infer.json()["error"] as? String == infer.detail)
        await server.stop()
    }

    @Test func `probes, metrics and the contract ignore the query`() async throws {
        let server = try await LiveServer(try TinyModel())
        for path in [
            "/healthz", "/readyz", "/metrics", "/openapi.json", "/v2/health/live", "/v2/health/ready",
            "/v2/models/tiny/ready",
        ] {
            #expect(try await server.exchange("GET", "\(path)?verbose=1&x").status == 200, "\(path)")
        }
        await server.stop()
    }

    @Test func `top is read from the query or the form, once; other fields of a form are ignored`()
        async throws
    {
        let server = try await LiveServer(try TinyModel())
        func listed(_ answer: TestClient.Answer) throws -> Int? { (try answer.json()["top"] as? [Any])?.count }
        #expect(try listed(try await Self.predict(server, [("top", "1")])) == 1)
        #expect(try listed(try await Self.predict(server, [("csrf", "x"), ("submit", "Send"), ("top", "2")])) == 2)
        #expect(try listed(try await Self.predict(server, [("note", "k")])) == 3)
        #expect(try listed(try await Self.predict(server, [], to: "/predict?top=2")) == 2)
        for (target, fields) in [
            ("/predict?top=1", [("top", "1")]), ("/predict", [("top", "1"), ("top", "1")]),
            ("/predict?top=1&top=2", []),
        ] {
            let answer = try await Self.predict(server, fields, to: target)
            #expect(answer.status == 400)
            #expect(answer.detail?.contains("top") == true && answer.detail?.hasSuffix("send it once.") == true)
        }
        let base64 = Data(TestPicture.png).base64EncodedString()
        func json(_ member: String, _ query: String = "") async throws -> TestClient.Answer {
            try await server.exchange(
                "POST", "/predict\(query)", fields: ["Content-Type": "application/json"],
                body: Array(#"{"image": "\#(base64)", \#(member)}"#.utf8))
        }
        #expect(try listed(try await json(#""top": 2"#)) == 2)
        #expect(try listed(try await json(#""id": "k", "n_jobs": 2"#)) == 3)
        let misspelt = try await json(#""topk": 2"#)
        #expect(misspelt.status == 400)
        #expect(misspelt.detail == #"The member "topk" is unknown; did you mean "top", as in "top": 3?"#)
        #expect(try await json(#""top": 2"#, "?top=2").detail?.hasSuffix("send it once.") == true)
        #expect(try await json(#""top": 1.5"#).status == 400)
        for value in ["0", "-1", "x", "", "1.5"] {
            let answer = try await Self.predict(server, [("top", value)])
            #expect(answer.status == 400)
            #expect(answer.detail == "The parameter top is \"\(value)\"; it takes a whole number from 1 to 3.")
        }
        await server.stop()
    }
}
