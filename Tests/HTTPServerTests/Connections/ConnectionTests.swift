import HTTPTypes
import TestSupport
import Testing

@testable import HTTPServer

@Suite(.timeLimit(.minutes(2)), .everyPoller) struct ConnectionTests {
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
        for method in ["get", "BREW", "Get"] {
            #expect(await client.ask("\(method) /nowhere HTTP/1.1\r\nHost: a\r\n\r\n")?.status == 501)
        }
        #expect(await client.ask("DELETE /nowhere HTTP/1.1\r\nHost: a\r\n\r\n")?.status == 404)
        let wrong = await client.ask("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(wrong?.status == 405 && wrong?.fields["allow"] == "POST, OPTIONS")
        let all = await client.ask("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(all?.status == 204 && all?.fields["allow"] == "GET, HEAD, POST, OPTIONS")
        for (path, allow) in [
            ("/hello", "GET, HEAD, OPTIONS"), ("/gate/x", "GET, HEAD, OPTIONS"), ("/echo", "POST, OPTIONS"),
        ] {
            let answer = await client.ask("OPTIONS \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(
                answer?.status == 204 && answer?.fields["allow"] == allow && answer?.fields["content-length"] == nil)
        }
        #expect(await client.ask("OPTIONS /nowhere HTTP/1.1\r\nHost: a\r\n\r\n")?.status == 404)
        #expect(await client.ask("GET http://a/hello?name=z HTTP/1.1\r\nHost: a\r\n\r\n")?.body == "hello z")
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
            $0.maxHeaderFields = 3
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
        #expect(await ask("GET /hello HTTP/1.1\r\nHost: a\r\nA:\r\nB:\r\n\r\n") == 200)
        #expect(await ask("GET /hello HTTP/1.1\r\nHost: a\r\nA:\r\nB:\r\nC:\r\n\r\n") == 431)
        func post(_ count: Int) -> String {
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: \(count)\r\n\r\n" + String(repeating: "c", count: count)
        }
        #expect(await ask(post(10)) == 200)
        #expect(await ask(post(11)) == 413)
        let chunked = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n"
        #expect(await ask(chunked + "5\r\nabcde\r\n0\r\n\r\n") == 200)
        #expect(await ask(chunked + "6\r\nabcdef\r\n0\r\n\r\n") == 413)
    }
}
