import TestSupport
import Testing

@testable import HTTPServer

@Suite(.timeLimit(.minutes(2)), .everyPoller) struct ConnectionBodyTests {
    @Test func `100 Continue is sent if the body is wanted, and only then`() async throws {
        let server = try TestServer { $0.maxBodyBytes = 10 }
        func expecting(_ path: String, _ length: Int) -> String {
            "POST \(path) HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: \(length)\r\n\r\n"
        }
        let client = server.client()
        #expect(await client.ask(expecting("/echo", 2))?.status == 100)
        #expect(await client.ask("ab")?.body == "ab")
        #expect(await client.ask(expecting("/echo", 2) + "cd")?.body == "cd")
        #expect(await client.ask(expecting("/echo", 0))?.status == 200)

        for (path, length, status) in [
            ("/echo", 11, 413), ("/nowhere", 2, 404), ("/hello", 2, 405), ("/ignore", 2, 200),
        ] {
            let client = server.client()
            let answer = await client.ask(expecting(path, length))
            #expect(answer?.status == status && answer?.fields["connection"] == "close", "\(path)")
            #expect(await client.isAtEnd())
        }
        let answer = await server.client().ask(
            "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 200-maybe\r\nContent-Length: 1\r\n\r\n")
        #expect(answer?.status == 417)
    }

    @Test func `a route that reads no body has it discarded`() async throws {
        let client = try TestServer().client()
        for _ in 0..<2 {
            #expect(
                await client.ask("POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcd")?.body
                    == "ignored 0")
        }
    }

    @Test func `there may be as many parts as the limit over a socket too`() async throws {
        let server = try TestServer { $0.maxParts = 2 }
        func post(_ parts: Int) -> String {
            let body =
                String(repeating: "--B\r\nContent-Disposition: form-data; name=\"i\"\r\n\r\nxyz\r\n", count: parts)
                + "--B--\r\n"
            return "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=B\r\n"
                + "Content-Length: \(body.utf8.count)\r\n\r\n" + body
        }
        #expect(await server.client().ask(post(2))?.body == "i=3,i=3")
        #expect(await server.client().ask(post(3))?.status == 413)
    }

    @Test func `all bodies together have a limit, which is free again behind each answer`() async throws {
        let server = try TestServer { $0.maxBufferedBytes = 10 }
        func head(_ count: Int) -> String { "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: \(count)\r\n\r\n" }
        #expect(await server.client().ask(head(10) + "0123456789")?.status == 200)
        let refused = await server.client().ask(head(11) + "0123456789a")
        #expect(refused?.status == 429)
        #expect(refused?.fields["retry-after"] == "1")

        var held: (refused: Bool, fitting: Int?, answer: String?) = (false, nil, nil)
        for _ in 0..<50 where held.answer != "012345" {
            let first = server.client()
            await first.send(head(6) + "01234")
            // Until the first body's bytes have arrived, a second one of six still fits, and may even displace it.
            held.refused = false
            for _ in 0..<50 where !held.refused {
                held.refused = await server.client().ask(head(6) + "012345")?.status == 429
            }
            held.fitting = await server.client().ask(head(4) + "0123")?.status
            held.answer = await first.ask("5")?.body
        }
        #expect(held == (true, 200, "012345"))
        try await eventually("all of the memory is free") {
            await server.client().ask(head(10) + "0123456789")?.status == 200
        }
    }

    @Test func `a large body counts by what has come of it, not by what it announces`() async throws {
        let little = BodyPool.smallest
        let server = try TestServer {
            $0.maxBufferedBytes = 32 * little
            $0.maxBufferedBytesPerAddress = 32 * little
            $0.maxBodyBytes = 32 * little
        }
        func head(_ count: Int) -> String { "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: \(count)\r\n\r\n" }
        // Together they announce seven times what there is.
        var stalled: [TestClient] = []
        for _ in 0..<7 {
            let client = server.client()
            await client.send(head(32 * little))
            await client.send([UInt8](repeating: 65, count: little + 1))
            stalled.append(client)
        }
        let other = server.client()
        await other.send(head(3 * little))
        await other.send([UInt8](repeating: 66, count: 3 * little))
        #expect(await other.answer()?.bytes.count == 3 * little)
        withExtendedLifetime(stalled) {}
    }

    @Test func `the bodies of an address have a share, and those of a trusted proxy have none`() async throws {
        let server = try TestServer {
            $0.maxBufferedBytes = 20
            $0.maxBufferedBytesPerAddress = 10
            $0.trustedProxies = [AddressBlock("127.0.0.3/32")].compactMap(\.self)
        }
        func post(_ count: Int) -> String {
            "POST /stubborn HTTP/1.1\r\nHost: a\r\nContent-Length: \(count)\r\n\r\n"
                + String(repeating: "x", count: count)
        }
        let first = server.client(from: "127.0.0.2")
        await first.send(post(6))
        await server.gate.wait { $0.entered == 1 }
        let refused = await server.client(from: "127.0.0.2").ask(post(5))
        #expect(refused?.status == 429 && refused?.body.contains("server.max_buffered_bytes_per_address") == true)
        // The others have theirs.
        let (proxied, third) = (server.client(from: "127.0.0.3"), server.client(from: "127.0.0.4"))
        await proxied.send(post(11))
        await server.gate.wait { $0.entered == 2 }
        await third.send(post(3))
        await server.gate.wait { $0.entered == 3 }
        let last = await server.client(from: "127.0.0.4").ask(post(1))
        #expect(last?.status == 429 && last?.body.contains("(server.max_buffered_bytes)") == true)
        server.gate.open()
        for client in [first, proxied, third] { #expect(await client.answer()?.status == 200) }
    }

    @Test func `large bodies, one behind the other and of many sizes, arrive as they are`() async throws {
        let server = try TestServer()
        let client = server.client()
        let sizes = [700_000, 131_072, 131_073, 1_000_000, 200_000, 5, 999_999, 400_000]
        for (index, size) in sizes.enumerated() {
            let body = String(repeating: "\(index)abcdefghi", count: size / 10)
            let isForm = index % 3 == 2
            let content =
                isForm ? "--B\r\nContent-Disposition: form-data; name=\"i\"\r\n\r\n\(body)\r\n--B--\r\n" : body
            let type = isForm ? "Content-Type: multipart/form-data; boundary=B\r\n" : ""
            let head = "POST /echo HTTP/1.1\r\nHost: a\r\n\(type)Content-Length: \(content.utf8.count)\r\n\r\n"
            #expect(await client.ask(head + content)?.body == (isForm ? "i=\(body.utf8.count)" : body), "\(size) bytes")
        }
    }

    @Test func `a body in pieces of any size, some of them read straight to where it stays, arrives as it is`()
        async throws
    {
        let server = try TestServer()
        let client = server.client()
        for pieces in [
            [1], [10, 1], [100_000, 1, 70_000], [1, 131_071, 1, 50_000], [8192, 65_536, 65_536, 300_000],
        ] {
            let body = (0..<pieces.reduce(0, +)).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 / 251) }
            await client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.count)\r\n\r\n")
            var start = 0
            for count in pieces {
                await client.send(Array(body[start..<start + count]))
                start += count
                try await Task.sleep(for: .milliseconds(5))
            }
            #expect(await client.answer()?.bytes == body, "\(pieces)")
        }
        // A request behind the body is none of it.
        let both = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
        await client.send(both + both)
        #expect(await client.answer()?.body == "abc")
        #expect(await client.answer()?.body == "abc")
    }

    @Test func `a body counts for as long as its handler works, whoever has hung up`() async throws {
        let server = try TestServer { $0.maxBufferedBytes = 10 }
        func echo(_ body: String) async -> Int? {
            let head = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
            return await server.client().ask(head + body)?.status
        }
        await server.client().send("POST /stubborn HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n012345")
        await server.gate.wait { $0.entered == 1 }
        await server.observer.wait { $0.closed == 1 }
        #expect(await echo("01234") == 429)
        #expect(await echo("0123") == 200)
        server.gate.open()
        try await eventually("all of the memory is free") { await echo("0123456789") == 200 }
    }

    @Test func `a client just past the body's limit that sends it all first still reads why`() async throws {
        let server = try TestServer {
            $0.maxBodyBytes = 4 << 20
            $0.lingerTimeout = .seconds(10)
        }
        let client = server.client()
        let count = (4 << 20) + 1
        await client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: \(count)\r\n\r\n")
        await client.send([UInt8](repeating: 0, count: count))
        #expect(await client.answer()?.status == 413)
        await client.endWriting()
        #expect(await client.isAtEnd())
    }

    @Test func `32 MiB arrive whole, as they are and in one part`() async throws {
        let server = try TestServer()
        let count = 32 << 20
        let client = server.client()
        await client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: \(count)\r\n\r\n")
        await client.send([UInt8](repeating: 13, count: count))
        #expect(await client.answer()?.body.utf8.count == count)

        let head = Array("--B\r\nContent-Disposition: form-data; name=i; filename=x\r\n\r\n".utf8)
        let tail = Array("\r\n--B--\r\n".utf8)
        let content = [UInt8](repeating: 7, count: count - head.count - tail.count)
        await client.send(
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=B\r\n"
                + "Content-Length: \(count)\r\n\r\n")
        await client.send(head + content + tail)
        #expect(await client.answer()?.body == "i=\(content.count)")
    }
}
