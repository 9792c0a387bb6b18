import Foundation
import ModelTestSupport
import TestSupport
import Testing

/// Every case over a live socket, its bytes at once and one by one.
@Suite(.timeLimit(.minutes(5)))
struct HTTPCaseTests {
    /// Limits that some cases reach by one. Units: bytes.
    static let maxBodyByteCount = 4096

    @Test(arguments: HTTPCaseGroup.all)
    func `Each case has its statuses, and its connection its fate`(_ group: HTTPCaseGroup) async throws {
        let server = try await LiveServer(TinyModel()) { settings in
            settings.server.maxBodyBytes = Self.maxBodyByteCount
        }
        for entry in group.cases {
            for isWhole in [true, false] {
                let found = await Self.run(entry, on: server.client(), isWhole: isWhole)
                #expect(found == nil, "\(entry.name)\(isWhole ? "" : ", byte by byte"): \(found ?? "")")
            }
        }
        await server.stop()
    }

    /// What is wrong with the answers to a case; nil if nothing is.
    private static func run(_ entry: HTTPCase, on client: TestClient, isWhole: Bool) async -> String? {
        if isWhole || entry.bytes.count > 600 {
            await client.send(entry.bytes)
        } else {
            for byte in entry.bytes { await client.send([byte]) }
        }
        // The next request shows whether the connection is still of use.
        if entry.fate != .ends, !entry.endsStream {
            await client.send("GET /v2 HTTP/1.1\r\nHost: next\r\nX-Request-ID: next\r\n\r\n")
        }
        if entry.endsStream { await client.endWriting() }
        var statuses: [Int] = []
        var last: TestClient.Answer?
        for index in entry.statuses.indices {
            var answer = await client.answer(isHead: entry.isHead && index == 0)
            // A client that waits for permission to send its content gets that first.
            if answer?.status == 100 { answer = await client.answer() }
            guard let answer else { break }
            statuses.append(answer.status)
            last = answer
        }
        guard statuses == entry.statuses else {
            return "answered \(statuses) instead of \(entry.statuses): \(last?.body ?? "")"
        }
        switch entry.fate {
        case .stays where entry.endsStream: break
        case .stays:
            guard let next = await client.answer(), next.fields["x-request-id"] == "next", next.status == 200 else {
                return "the next request is not answered"
            }
            await client.endWriting()
        case .closes:
            if last?.fields["connection"] != "close" { return "the last answer does not say close" }
        case .ends: break
        }
        return await client.isAtEnd() ? nil : "the connection does not end"
    }

    @Test func `There are two hundred cases and no name twice`() {
        let names = HTTPCaseGroup.all.flatMap(\.cases).map(\.name)
        #expect(names.count >= 200)
        #expect(Set(names).count == names.count)
    }

    /// `ALEXNET_WRITE_DOCS=1 swift test --filter HTTPCaseTests` writes the page anew.
    @Test func `The page in the documentation has these cases`() throws {
        let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
            "../../../docs/reference/http-cases.md"
        ).standardizedFileURL
        if ProcessInfo.processInfo.environment["ALEXNET_WRITE_DOCS"] != nil {
            try Self.page.write(to: url, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOf: url, encoding: .utf8) == Self.page)
    }

    private static var page: String {
        var page = """
            # HTTP, case by case

            What the server answers to \(HTTPCaseGroup.all.flatMap(\.cases).count) inputs, and what becomes of the connection. This page is written by the tests that send
            them over a socket, at once and byte by byte ([HTTPCaseTests](../../Tests/ServerTests/Conformance/HTTPCaseTests.swift)). The rule is the paragraph that
            asks for the answer, or that leaves it to the server. [HTTP](http.md) says the same in words.

            """
        for group in HTTPCaseGroup.all {
            page += "\n## \(group.title)\n\n| Sent | Status | Connection | Rule |\n|---|---|---|---|\n"
            for entry in group.cases {
                let statuses = entry.statuses.isEmpty ? "–" : entry.statuses.map(String.init).joined(separator: ", ")
                page +=
                    "| \(entry.name.replacing("|", with: "\\|")) | \(statuses) | \(entry.fate.rawValue) | \(entry.rule) |\n"
            }
        }
        return page
    }
}
