import HTTPTypes
import TestSupport
import Testing

@testable import HTTPServer

@Suite struct ConnectionTests {
    @Test func `answers carry date, length and the client's identifier, and the connection stays open`() async throws {
        let server = try TestServer()
        let client = server.client()
        for id in ["a-1", "b.2"] {
            let answer = await client.ask("GET /hello HTTP/1.1\r\nHost: a\r\nX-Request-ID: \(id)\r\n\r\n")
            #expect(answer?.status == 200)
            #expect(answer?.body == "hello \(id)")
            #expect(answer?.fields["x-request-id"] == id)
            #expect(answer?.fields["date"]?.hasSuffix(" GMT") == true)
            #expect(answer?.fields["connection"] == nil)
        }
        let answer = await client.ask(
            "GET /hello HTTP/1.1\r\nHost: a\r\nX-Request-ID: bad id\r\nConnection: close\r\n\r\n")
        #expect(answer?.fields["connection"] == "close")
        #expect(answer?.fields["x-request-id"]?.utf8.count == 16)
        #expect(await client.isAtEnd())

        let state = await server.observer.wait { $0.records.count == 3 && $0.opened == 1 }
        let record = try #require(state.records.first)
        #expect(record.id == "a-1" && record.method == .get && record.target == "/hello" && record.route == "/hello")
        #expect(record.status == .ok && record.isComplete && record.annotations() == ["batch": "3"])
        #expect(record.bytesIn == 51 && record.bytesOut > 100 && record.remoteAddress == "127.0.0.1")
        #expect(record.duration > .zero)
    }

    @Test func `pipelined requests are answered in order, also when they come byte by byte`() async throws {
        let server = try TestServer()
        server.gate.open()
        let text =
            "GET /gate/1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab"
            + "GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\nPOST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "1\r\nc\r\n2;x\r\nde\r\n0\r\nT: 1\r\n\r\nGET /hello?name=x HTTP/1.1\r\nHost: a\r\n\r\n"
        for pieces in [[Array(text.utf8)], text.utf8.map { [$0] }] {
            let client = server.client()
            for piece in pieces { await client.send(piece) }
            var bodies: [String?] = []
            for _ in 0..<5 {
                let answer = await client.answer()
                bodies.append(answer?.status == 404 ? "404" : answer?.body)
            }
            #expect(bodies == ["passed 1", "ab", "404", "cde", "hello x"])
        }
    }

    @Test func `a thousand refused requests in one piece are all answered`() async throws {
        let server = try TestServer()
        let client = server.client()
        await client.send(String(repeating: "GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n", count: 1000))
        for _ in 0..<1000 { #expect(await client.answer()?.status == 404) }
    }

    @Test func `requests that wait for their turn are answered, though the client has ended its stream`() async throws {
        let server = try TestServer()
        let (blocking, client) = (server.client(), server.client())
        #expect(await client.ask("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")?.status == 200)
        // They fill the first read, and the end of the stream would be the second.
        let request = "GET /wrong HTTP/1.1\r\nHost: a\r\n\r\n"
        let count = ReceiveBuffer.initialCapacity / request.utf8.count
        #expect(count * request.utf8.count == ReceiveBuffer.initialCapacity)
        await blocking.send("GET /block HTTP/1.1\r\nHost: a\r\n\r\n")
        await server.block.wait()
        await client.send(String(repeating: request, count: count))
        await client.endWriting()
        server.block.release()

        for _ in 0..<count { #expect(await client.answer()?.status == 404) }
        #expect(await client.isAtEnd())
    }

    @Test func `a client that ends its stream while it is answered gets the answers to all it has asked`() async throws
    {
        let server = try TestServer()
        let client = server.client()
        let request = "GET /large HTTP/1.1\r\nHost: a\r\n\r\n"
        await client.send(request + request + "GET /hello?name=x HTTP/1.1\r\nHost: a\r\n\r\n" + "GET /hel")
        await client.endWriting()
        // By now the server waits for the client to read, and has seen the end.
        for _ in 0..<2 { #expect(await client.answer()?.body.count == 32 << 20) }
        #expect(await client.answer()?.body == "hello x")
        #expect(await client.isAtEnd())
        await server.observer.wait { $0.closed == 1 }
    }

    /// 30 KiB that inflate to 30 MiB.
    private static let largeForm = TestCompression.gzip(
        Array("--b\r\nContent-Disposition: form-data; name=a\r\n\r\n".utf8) + [UInt8](repeating: 0, count: 30 << 20)
            + Array("\r\n--b--".utf8))

    /// What takes the server long, and how many answers are sent before somebody else's.
    private static let floods: [(bytes: [UInt8], most: Int)] = [
        (Array(String(repeating: "GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n", count: 1000).utf8), 100),
        (ContentCodingTests.request(largeForm, coding: "gzip", type: "multipart/form-data; boundary=b"), 0),
    ]

    @Test(arguments: floods.indices)
    func `who sends much at once lets others have their turn`(index: Int) async throws {
        let server = try TestServer()
        let (blocking, flooding, other) = (server.client(), server.client(), server.client())
        for client in [flooding, other] {
            #expect(await client.ask("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")?.status == 200)
        }
        // All of it waits when the thread is free again.
        await blocking.send("GET /block HTTP/1.1\r\nHost: a\r\n\r\n")
        await server.block.wait()
        await flooding.send(Self.floods[index].bytes)
        await other.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
        server.block.release()

        #expect(await other.answer()?.status == 200)
        let records = await server.observer.wait { $0.records.filter { $0.route == "/hello" }.count == 3 }.records
        let before = records.prefix { $0.route != "/hello" || $0.id == records[0].id || $0.id == records[1].id }
        #expect(before.count { $0.route != "/hello" && $0.route != "/block" } <= Self.floods[index].most)
        #expect(await flooding.answer()?.status == (index == 0 ? 404 : 200))
    }

    @Test func `HEAD answers as GET but without the body`() async throws {
        let client = try TestServer().client()
        let answer = await client.ask("HEAD /hello?name=x HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(answer?.status == 200 && answer?.fields["content-length"] == "7")
        #expect(await client.ask("HEAD /nowhere HTTP/1.1\r\nHost: a\r\n\r\n")?.status == 404)
        #expect(await client.ask("GET /hello?name=y HTTP/1.1\r\nHost: a\r\n\r\n")?.body == "hello y")
    }

    @Test func `unknown paths and methods are told apart, and OPTIONS asks for all`() async throws {
        let client = try TestServer().client()
        let missing = await client.ask("GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(missing?.status == 404 && missing?.fields["content-type"] == "application/problem+json")
        let wrong = await client.ask("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(wrong?.status == 405 && wrong?.fields["allow"] == "POST")
        let all = await client.ask("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(all?.status == 204 && all?.fields["allow"] == "GET, HEAD, POST")
        #expect(await client.ask("GET http://a/hello?name=z HTTP/1.1\r\nHost: a\r\n\r\n")?.body == "hello z")
    }

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

    @Test func `HTTP 1_0 closes unless it asks not to`() async throws {
        let client = try TestServer().client()
        let kept = await client.ask("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        #expect(kept?.fields["connection"] == "keep-alive")
        let closed = await client.ask("GET /hello HTTP/1.0\r\n\r\n")
        #expect(closed?.status == 200 && closed?.fields["connection"] == "close")
        #expect(await client.isAtEnd())
    }

    @Test(arguments: [
        ("\u{16}\u{3}\u{1}", 400), ("GET / HTTP/1.1\r\n\r\n", 400), ("BREW\r\n", 400),
        ("GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505), ("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 501),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: br\r\n\r\n", 501),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data\r\nContent-Length: 1\r\n\r\n", 400),
        (
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=B\r\nContent-Length: 3\r\n\r\nabc",
            400
        ),
    ])
    func `what is no request is answered with a reason and the end`(text: String, status: Int) async throws {
        let server = try TestServer()
        let client = server.client()
        let answer = await client.ask(text)
        #expect(answer?.status == status && answer?.fields["connection"] == "close")
        #expect(answer?.fields["x-request-id"]?.isEmpty == false && answer?.fields["date"] != nil)
        #expect(answer?.body.contains("\"detail\":\"") == true)
        #expect(await client.isAtEnd())
        let state = await server.observer.wait { $0.records.count == 1 }
        #expect(state.records.first?.status.code == status)
    }

    @Test func `limits hold to the byte over a socket too`() async throws {
        let server = try TestServer {
            $0.maxTargetBytes = 20
            $0.maxHeaderBytes = 100
            $0.maxBodyBytes = 10
            $0.maxParts = 2
        }
        func ask(_ text: String) async -> Int? { await server.client().ask(text)?.status }
        func get(_ target: Int) -> String {
            "GET /hello?" + String(repeating: "a", count: target - 7) + " HTTP/1.1\r\nHost: a\r\n\r\n"
        }
        #expect(await ask(get(20)) == 200)
        #expect(await ask(get(21)) == 414)
        func head(_ count: Int) -> String {
            "GET /hello HTTP/1.1\r\nHost: a\r\nX:" + String(repeating: "b", count: count - 36) + "\r\n\r\n"
        }
        #expect(await ask(head(100)) == 200)
        #expect(await ask(head(101)) == 431)
        func post(_ count: Int) -> String {
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: \(count)\r\n\r\n" + String(repeating: "c", count: count)
        }
        #expect(await ask(post(10)) == 200)
        #expect(await ask(post(11)) == 413)
        let chunked = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n"
        #expect(await ask(chunked + "5\r\nabcde\r\n0\r\n\r\n") == 200)
        #expect(await ask(chunked + "6\r\nabcdef\r\n0\r\n\r\n") == 413)
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
            held.fitting = await server.client().ask(head(5) + "01234")?.status
            held.answer = await first.ask("5")?.body
        }
        #expect(held == (true, 200, "012345"))
        while await server.client().ask(head(10) + "0123456789")?.status != 200 {}
    }

    @Test func `a large body counts whole once a little of it has come`() async throws {
        let little = BodyPool.smallest
        let limit = 3 * little
        let server = try TestServer { $0.maxBufferedBytes = limit }
        func head(_ count: Int) -> String { "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: \(count)\r\n\r\n" }
        for (count, status) in [(limit, 200), (limit + 1, 429)] {
            let client = server.client()
            await client.send(head(count))
            await client.send([UInt8](repeating: 65, count: little + 1))
            if status == 200 { await client.send([UInt8](repeating: 65, count: count - little - 1)) }
            #expect(await client.answer()?.status == status)
        }
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
        while await echo("0123456789") != 200 {}
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
