import HTTPTypes
import TestSupport
import Testing

@testable import HTTPServer

@Suite(.timeLimit(.minutes(2)), .everyPoller) struct ConnectionTimeTests {
    @Test func `a slow head and a slow body are answered with 408`() async throws {
        let server = try TestServer {
            $0.headerTimeout = .milliseconds(50)
            $0.bodyTimeout = .milliseconds(50)
        }
        for text in ["G", "GET / HTTP/1.1\r\nHost:", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc"] {
            let client = server.client()
            let answer = await client.ask(text)
            #expect(answer?.status == 408 && answer?.fields["connection"] == "close")
            #expect(await client.isAtEnd())
        }
    }

    @Test func `a 408 says which time was over and which key sets it`() async throws {
        let server = try TestServer {
            $0.headerTimeout = .milliseconds(50)
            $0.bodyTimeout = .milliseconds(200)
            $0.minBytesPerSecond = 1 << 20
        }
        let head = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nabc"
        #expect(await server.client().ask("GET /")?.body.contains("(server.header_timeout)") == true)
        #expect(await server.client().ask(head)?.body.contains("(server.body_timeout)") == true)
        // A byte now and then, which is progress but no rate.
        let dripping = server.client()
        await dripping.send(head)
        try await eventually("the third request is refused") {
            await dripping.send("x")
            return server.observer.recordCount == 3
        }
        let answer = await dripping.answer()
        #expect(answer?.status == 408)
        #expect(answer?.body.contains("1048576 bytes a second (server.min_body_rate)") == true, "\(answer?.body ?? "")")
    }

    @Test func `a request knows when its last byte came`() async throws {
        let client = try TestServer().client()
        let head = "POST /duration HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n"
        #expect(await client.ask(head + "abc")?.status == 200)
        await client.send(head + "ab")
        // Twice what is expected: on a busy machine the server may see the first bytes late.
        try await Task.sleep(for: .milliseconds(200))
        let duration = await client.ask("c").flatMap { Double($0.body) }
        #expect(duration.map { $0 >= 100 } == true)
    }

    @Test func `a connection at rest is closed without a word`() async throws {
        let server = try TestServer { $0.idleTimeout = .milliseconds(400) }
        let fresh = server.client()
        #expect(await fresh.isAtEnd())
        let used = server.client()
        #expect(await used.ask("GET /hello?name=x HTTP/1.1\r\nHost: a\r\n\r\n")?.body == "hello x")
        #expect(await used.isAtEnd())
        await server.observer.wait { $0.closed == 2 }
        // The observer is told before the connection leaves the count.
        try await eventually("no connection is counted") { server.server.connectionCount == 0 }
    }

    @Test func `who does not read the answer is cut off`() async throws {
        let server = try TestServer { $0.writeTimeout = .milliseconds(50) }
        let client = TestClient(port: server.address.port, receiveBuffer: 4096)
        await client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        let state = await server.observer.wait { $0.closed == 1 }
        #expect(state.records.first?.isComplete == false)
        #expect(state.records.first.map { $0.bytesOut < 32 << 20 } == true)
    }

    @Test func `a client that hangs up cancels its handler`() async throws {
        let server = try TestServer()
        let ending = server.client()
        await ending.send("GET /gate/1 HTTP/1.1\r\nHost: a\r\n\r\n")
        await server.gate.wait { $0.entered == 1 }
        await ending.endWriting()
        await server.gate.wait { $0.cancelled == 1 }
        #expect(await ending.isAtEnd())

        let resetting = server.client()
        await resetting.send("GET /gate/2 HTTP/1.1\r\nHost: a\r\n\r\n")
        await server.gate.wait { $0.entered == 2 }
        await resetting.reset()
        await server.gate.wait { $0.cancelled == 2 }

        let state = await server.observer.wait { $0.closed == 2 }
        #expect(state.records.map(\.status) == [.clientClosedRequest, .clientClosedRequest])
        #expect(state.records.map(\.bytesOut) == [0, 0])
    }

    @Test func `draining answers what has begun, what waits and nothing else`() async throws {
        let server = try TestServer()
        let handled = server.client()
        await handled.send("GET /gate/1 HTTP/1.1\r\nHost: a\r\n\r\n")
        await server.gate.wait { $0.entered == 1 }
        let begun = server.client()
        await begun.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab")
        let resting = server.client()
        #expect(await resting.ask("GET /hello?name=x HTTP/1.1\r\nHost: a\r\n\r\n")?.fields["connection"] == nil)
        await server.observer.wait { $0.opened == 3 }

        async let drained = server.server.drain(timeout: .seconds(20))
        #expect(await resting.isAtEnd())
        await begun.send("cd")
        let answer = await begun.answer()
        #expect(answer?.body == "abcd" && answer?.fields["connection"] == "close")
        server.gate.open()
        let last = await handled.answer()
        #expect(last?.body == "passed 1" && last?.fields["connection"] == "close")
        #expect(await handled.isAtEnd())
        await handled.endWriting()
        await begun.endWriting()
        #expect(await drained)
        let state = await server.observer.wait { $0.closed == $0.opened }
        #expect(state.opened == 3)
        // Nobody listens any more.
        #expect(await server.client().ask("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n") == nil)
    }

    @Test func `draining answers pipelined requests to the last`() async throws {
        let server = try TestServer()
        let resting = server.client()
        #expect(await resting.ask("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")?.status == 200)
        let client = server.client()
        await client.send(
            "GET /gate/1 HTTP/1.1\r\nHost: a\r\n\r\nGET /hello?name=2 HTTP/1.1\r\nHost: a\r\n\r\n"
                + "GET /hello?name=3 HTTP/1.1\r\nHost: a\r\n\r\n")
        await server.gate.wait { $0.entered == 1 }
        async let drained = server.server.drain(timeout: .seconds(20))
        // The connection at rest closes only once draining has begun.
        #expect(await resting.isAtEnd())
        server.gate.open()
        #expect(await client.answer()?.body == "passed 1")
        #expect(await client.answer()?.body == "hello 2")
        let last = await client.answer()
        #expect(last?.body == "hello 3" && last?.fields["connection"] == "close")
        await client.endWriting()
        #expect(await drained)
    }

    @Test func `draining gives up after its timeout`() async throws {
        let server = try TestServer()
        let client = server.client()
        await client.send("GET /gate/1 HTTP/1.1\r\nHost: a\r\n\r\n")
        await server.gate.wait { $0.entered == 1 }
        #expect(await server.server.drain(timeout: .milliseconds(50)) == false)
        #expect(await client.answer() == nil)
        await server.gate.wait { $0.cancelled == 1 }
        #expect(server.server.connectionCount == 0)
        #expect(await server.server.drain(timeout: .zero))
    }

    @Test func `two thousand connections come and go without leaving a descriptor behind`() async throws {
        let server = try TestServer {
            $0.maxConnections = 128
            $0.maxConnectionsPerAddress = 128
        }
        for _ in 0..<20 {
            await withTaskGroup(of: Int?.self) { group in
                for _ in 0..<100 {
                    group.addTask {
                        await server.client().ask("GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")?.status
                    }
                }
                for await status in group { #expect(status == 200) }
            }
        }
        let state = await server.observer.wait { $0.closed == 2000 }
        #expect(state.opened == 2000 && state.records.count == 2000)
        #expect(await server.server.drain(timeout: .seconds(20)))
    }
}
