import Files
import Foundation
import HTTPServer
import HTTPTypes
import ModelTestSupport
import TestSupport
import Testing

@testable import Server

@Suite(.timeLimit(.minutes(2))) struct PageTests {
    @Test func `browsers get the page, with a policy that lets nothing in from elsewhere`() async throws {
        let server = try await LiveServer(try TinyModel())
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
        let answer = try await server.exchange("GET", "/", fields: ["Accept": browser])
        #expect(answer.status == 200)
        #expect(answer.fields["content-type"] == "text/html; charset=utf-8")
        #expect(answer.fields["vary"] == "Accept")
        #expect(answer.fields["x-content-type-options"] == "nosniff")
        let policy = try #require(answer.fields["content-security-policy"])
        #expect(policy.hasPrefix("default-src 'none'; script-src 'self'; style-src 'self';"))
        #expect(!policy.contains("unsafe") && !policy.contains("http"))
        await server.stop()
    }

    @Test func `every file that the page names is served, as what it is, and none names another server`() async throws {
        let server = try await LiveServer(try TinyModel())
        let types = [
            "html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "svg": "image/svg+xml",
            "js": "text/javascript; charset=utf-8",
        ]
        var named: Set<String> = ["index.html"]
        for (name, file) in PageFiles.all {
            let text = String(decoding: file.bytes, as: UTF8.self)
            for match in text.matches(of: /(?:from '\.\/|src="page\/|href="page\/)([a-z.]+)['"]/) {
                named.insert(String(match.1))
            }
            #expect(!text.contains("<script>") && !text.contains("style=\"") && !text.contains("innerHTML"), "\(name)")
            let addresses = text.matches(of: /https?:\/\/[^\s"'`$]+/).map { String($0.0) }
            #expect(addresses.allSatisfy { $0 == "http://www.w3.org/2000/svg" }, "\(name): \(addresses)")
            let answer = try await server.exchange("GET", "/page/\(name)")
            #expect(answer.status == 200 && answer.bytes == file.bytes)
            #expect(answer.fields["content-type"] == types[String(name.split(separator: ".").last ?? "")])
        }
        #expect(named == Set(PageFiles.all.keys))
        await server.stop()
    }

    @Test func `a file that the browser has already is not sent again`() async throws {
        let server = try await LiveServer(try TinyModel())
        let tag = try #require(try await server.exchange("GET", "/page/page.js").fields["etag"])
        for known in [tag, "W/" + tag, "\"x\", \(tag)", "*"] {
            let answer = try await server.exchange("GET", "/page/page.js", fields: ["If-None-Match": known])
            #expect(answer.status == 304 && answer.bytes.isEmpty && answer.fields["etag"] == tag, "\(known)")
        }
        #expect(try await server.exchange("GET", "/page/page.js", fields: ["If-None-Match": "\"x\""]).status == 200)
        await server.stop()
    }

    @Test func `programs get the map of all routes, and while the server drains a reason to go elsewhere`() async throws
    {
        let server = try await LiveServer(try TinyModel())
        for fields in [[:], ["Accept": "*/*"], ["Accept": "application/json"], ["Accept": "text/html;q=0"]] {
            let answer = try await server.exchange("GET", "/", fields: fields)
            #expect(answer.status == 200 && answer.fields["content-type"] == "application/json")
            let routes = try #require(try answer.json()["routes"] as? [String: String])
            #expect(Set(routes.keys).union(["GET /"]) == Set(server.routes))
            #expect(routes.values.allSatisfy { !$0.isEmpty })
            #expect(routes["POST /predict"] == "Class and probability of each image")
        }
        #expect(try await server.exchange("HEAD", "/").status == 200)
        #expect(try await server.exchange("GET", "/ping").body == #"{"status":"Healthy"}"#)
        server.phase.leave()
        for path in ["/", "/ping"] {
            let answer = try await server.exchange("GET", path)
            #expect(answer.status == 503 && answer.fields["retry-after"] == "1")
        }
        #expect(try await server.exchange("GET", "/", fields: ["Accept": "text/html"]).status == 200)
        await server.stop()
    }

    @Test func `it can be switched off, and the map stays`() async throws {
        let server = try await LiveServer(try TinyModel()) { $0.server.page = false }
        let answer = try await server.exchange("GET", "/", fields: ["Accept": "text/html"])
        #expect(answer.status == 200 && answer.fields["content-type"] == "application/json")
        for path in ["/page/page.js", "/v1/training"] {
            #expect(try await server.exchange("GET", path).status == 404)
        }
        await server.stop()
    }
}

@Suite(.timeLimit(.minutes(1))) struct TrainingRunTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func run(_ text: String) throws -> String? {
        try folder.write(Array(text.utf8), to: "run/history.csv")
        return TrainingRun(name: "run \"1\"", folder: folder.path("run"))?.json
    }

    @Test func `a history's columns become members, and empty cells null`() throws {
        let json = try #require(try run("epoch,train_loss,val_loss\n1,0.5,\n2,0.25,0.75\n3,0.1"))
        #expect(json.hasPrefix(#"{"name":"run \"1\"","updated_at":"20"#))
        let epochs =
            #"[{"epoch":1.0,"train_loss":0.5,"val_loss":null},{"epoch":2.0,"train_loss":0.25,"val_loss":0.75}]}"#
        #expect(json.hasSuffix(#","epochs":"# + epochs))
    }

    @Test func `what is no history is none`() throws {
        for text in ["", "epoch", "x,y\n1,2\n"] { #expect(try run(text) == nil, "\(text)") }
        #expect(try run("epoch,loss\nnan,inf\n1,2,3\n")?.hasSuffix(#""epochs":[{"epoch":null,"loss":null}]}"#) == true)
    }

    @Test func `a history over its limit, a link and a folder are not read`() throws {
        let header = "epoch,loss\n"
        let rows = String(repeating: " ", count: TrainingRun.maxByteCount - header.utf8.count - 1) + "\n"
        #expect(try run(header + rows) != nil)
        #expect(try run(header + " " + rows) == nil)
        try folder.makeFolder("other/history.csv")
        #expect(TrainingRun(name: "x", folder: folder.path("other")) == nil)
        try folder.write(Array("epoch,loss\n1,2\n".utf8), to: "secret.csv")
        try folder.makeFolder("link")
        try FileManager.default.createSymbolicLink(
            atPath: folder.path("link/history.csv"), withDestinationPath: folder.path("secret.csv"))
        #expect(TrainingRun(name: "x", folder: folder.path("link")) == nil)
    }
}

@Suite struct AcceptTests {
    @Test(arguments: [
        ("text/html", true), ("text/html;q=0.5", true), ("TEXT/HTML", true), ("application/json, text/html", true),
        ("text/html;q=0.5, application/json;q=0.9", false), ("text/html;q=0", false), ("*/*", false), ("", false),
        ("text/*", false), ("text/html; q=x", false), ("application/json", false),
    ])
    func `a type is accepted where it is named, and nothing else is preferred`(text: String, isAccepted: Bool) {
        let request = Request(headerFields: [.accept: text])
        #expect(request.accepts("text/html", over: ["application/json"]) == isAccepted)
    }
}

@Suite struct AccessLoggingTests {
    private func record(_ route: RoutePattern?, _ status: HTTPResponse.Status) -> RequestRecord {
        RequestRecord(id: "1", method: .get, target: "/", route: route?.rawValue, status: status)
    }

    @Test func `predictions and errors are logged, probes and scrapes that succeed are not`() {
        for route in RoutePattern.allCases {
            #expect(AccessLogging.all.includes(record(route, .ok)))
            #expect(!AccessLogging.none.includes(record(route, .internalServerError)))
            #expect(AccessLogging.predictions.includes(record(route, .badRequest)))
            let isPrediction = route.rawValue.contains(/predict|infer|invocations|classify|explain/)
            #expect(AccessLogging.predictions.includes(record(route, .ok)) == isPrediction, "\(route)")
        }
        #expect(AccessLogging.predictions.includes(record(nil, .notFound)))
    }
}
