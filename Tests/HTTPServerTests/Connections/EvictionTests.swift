import TestSupport
import Testing

@testable import HTTPServer

/// What one client does to lock the others out, and a good one beside it. None of this waits for a timeout.
@Suite(.timeLimit(.minutes(2)), .everyPoller) struct EvictionTests {
    private static let hello = "GET /hello?name=x HTTP/1.1\r\nHost: a\r\n\r\n"

    private static func head(_ count: Int) -> String {
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: \(count)\r\n\r\n"
    }

    /// What a good client is answered that connects anew.
    private static func ask(
        _ server: TestServer, _ text: String = hello, from source: String? = nil
    ) async -> TestClient.Answer? {
        await server.client(from: source).ask(text)
    }

    @Test func `silent connections give way, the oldest first, also to somebody from their own address`() async throws {
        let server = try TestServer {
            $0.maxConnections = 8
            $0.maxConnectionsPerAddress = 8
        }
        var silent: [TestClient] = []
        for index in 0..<8 {
            silent.append(server.client())
            await server.observer.wait { $0.opened == index + 1 }
        }
        for _ in 0..<3 { #expect(await Self.ask(server)?.body == "hello x") }
        #expect(await silent[0].isAtEnd())
        // Those that are still there are not deaf.
        #expect(await silent[7].ask(Self.hello)?.status == 200)
    }

    @Test func `a flood of silent connections leaves every newcomer its answer`() async throws {
        let server = try TestServer {
            $0.maxConnections = 32
            $0.maxConnectionsPerAddress = 32
        }
        var silent: [TestClient] = []
        for _ in 0..<20 {
            for _ in 0..<40 { silent.append(server.client()) }
            #expect(await Self.ask(server)?.body == "hello x")
        }
        // The optimiser lets go of what is not used any more, and a client that is gone has hung up.
        withExtendedLifetime(silent) {
            #expect(server.server.connectionCount <= 32 + 2 * ConnectionRegistry.reserve)
        }
    }

    @Test func `those at rest give way behind the silent ones, longest rest first`() async throws {
        let server = try TestServer {
            $0.maxConnections = 4
            $0.maxConnectionsPerAddress = 4
        }
        let (old, recent, silent) = (server.client(), server.client(), server.client())
        #expect(await old.ask(Self.hello)?.status == 200)
        #expect(await recent.ask(Self.hello)?.status == 200)
        await server.observer.wait { $0.opened == 3 }
        let busy = server.client()
        await busy.send("GET /gate/1 HTTP/1.1\r\nHost: a\r\n\r\n")
        await server.gate.wait { $0.entered == 1 }

        let first = server.client()
        #expect(await first.ask(Self.hello)?.status == 200)
        #expect(await silent.isAtEnd())
        let second = server.client()
        #expect(await second.ask(Self.hello)?.status == 200)
        #expect(await old.isAtEnd())
        #expect(await recent.ask(Self.hello)?.status == 200)
        server.gate.open()
        #expect(await busy.answer()?.body == "passed 1")
    }

    @Test func `where nobody gives way a client is told so, and comes again`() async throws {
        let server = try TestServer {
            $0.maxConnections = 2
            $0.maxConnectionsPerAddress = 3
        }
        let busy = [server.client(), server.client()]
        for client in busy { await client.send("GET /gate/x HTTP/1.1\r\nHost: a\r\n\r\n") }
        await server.gate.wait { $0.entered == 2 }
        for _ in 0..<100 {
            let client = server.client()
            let answer = await client.ask(Self.hello)
            #expect(answer?.status == 503 && answer?.fields["retry-after"] == "1")
            #expect(
                answer?.fields["connection"] == "close" && answer?.body.contains("(server.max_connections)") == true)
            #expect(await client.isAtEnd())
        }
        server.gate.open()
        for client in busy { #expect(await client.answer()?.fields["connection"] == "close") }
        try await eventually("a client has a place again") { await Self.ask(server)?.status == 200 }
    }

    @Test func `an address has its share of the connections, a trusted proxy has none`() async throws {
        let server = try TestServer {
            $0.maxConnections = 8
            $0.maxConnectionsPerAddress = 2
            $0.trustedProxies = [AddressBlock("127.0.0.3")].compactMap(\.self)
        }
        func hold(_ source: String, _ count: Int) async -> [TestClient] {
            var clients: [TestClient] = []
            for _ in 0..<count {
                clients.append(server.client(from: source))
                await clients.last?.send("GET /gate/x HTTP/1.1\r\nHost: a\r\n\r\n")
            }
            return clients
        }
        let greedy = await hold("127.0.0.2", 2)
        await server.gate.wait { $0.entered == 2 }
        let refused = await Self.ask(server, from: "127.0.0.2")
        #expect(refused?.status == 503 && refused?.body.contains("server.max_connections_per_address") == true)
        let proxied = await hold("127.0.0.3", 3)
        await server.gate.wait { $0.entered == 5 }
        #expect(await Self.ask(server)?.status == 200)
        server.gate.open()
        for client in greedy + proxied { #expect(await client.answer()?.status == 200) }
        try await eventually("the address has a place again") {
            await Self.ask(server, from: "127.0.0.2")?.status == 200
        }
    }

    @Test func `silent connections of one address never take another's place`() async throws {
        let server = try TestServer {
            $0.maxConnections = 8
            $0.maxConnectionsPerAddress = 4
        }
        let resting = server.client(from: "127.0.0.2")
        #expect(await resting.ask(Self.hello)?.status == 200)
        var silent: [TestClient] = []
        for _ in 0..<50 { silent.append(server.client(from: "127.0.0.3")) }
        await server.observer.wait { $0.opened == 51 }
        #expect(await resting.ask(Self.hello)?.status == 200)
        withExtendedLifetime(silent) {}
    }

    @Test func `a head that does not get any further gives way at once`() async throws {
        let server = try TestServer {
            $0.maxConnections = 2
            $0.maxConnectionsPerAddress = 2
        }
        let (slow, busy) = (server.client(), server.client())
        await slow.send("POST /echo HTTP/1.1\r\nHost:")
        await busy.send("GET /gate/1 HTTP/1.1\r\nHost: a\r\n\r\n")
        await server.gate.wait { $0.entered == 1 }
        #expect(await Self.ask(server)?.status == 200)
        let answer = await slow.answer()
        #expect(answer?.status == 408 && answer?.body.contains("gave way") == true)
        server.gate.open()
        #expect(await busy.answer()?.status == 200)
    }

    @Test func `a slow upload gives way once it is behind, and learns why`() async throws {
        let server = try TestServer {
            $0.maxConnections = 2
            $0.maxConnectionsPerAddress = 2
        }
        let (slow, busy) = (server.client(), server.client())
        await slow.send(Self.head(1000) + "x")
        await busy.send("GET /gate/1 HTTP/1.1\r\nHost: a\r\n\r\n")
        await server.gate.wait { $0.entered == 1 }
        // At first there is patience with it.
        var statuses: [Int?] = []
        try await eventually("the upload gives way") {
            statuses.append(await Self.ask(server)?.status)
            return statuses.last == 200
        }
        #expect(statuses.dropLast().allSatisfy { $0 == 503 })
        let answer = await slow.answer()
        #expect(answer?.status == 408 && answer?.body.contains("gave way") == true)
        server.gate.open()
        #expect(await busy.answer()?.status == 200)
    }

    @Test func `uploads that stall give their memory up to others`() async throws {
        let little = BodyPool.smallest
        let server = try TestServer {
            $0.maxBufferedBytes = 4 * little
            $0.maxBodyBytes = 4 * little
        }
        var stalled: [TestClient] = []
        for _ in 0..<4 {
            let client = server.client()
            await client.send(Self.head(4 * little))
            await client.send([UInt8](repeating: 65, count: little - 4096))
            stalled.append(client)
        }
        let body = String(repeating: "b", count: little)
        var statuses: [Int?] = []
        try await eventually("the uploads give memory up") {
            statuses.append(await Self.ask(server, Self.head(little) + body)?.status)
            return statuses.last == 200
        }
        #expect(statuses.dropLast().allSatisfy { $0 == 429 })
        withExtendedLifetime(stalled) {}
    }

    @Test func `heads of ten thousand fields are refused, and a good client beside them is answered`() async throws {
        let server = try TestServer { $0.maxHeaderBytes = 1 << 20 }
        let flood = "GET /hello HTTP/1.1\r\nHost: a\r\n" + String(repeating: "a:\r\n", count: 200_000) + "\r\n"
        for _ in 0..<10 {
            let client = server.client()
            async let refused = client.ask(flood)
            #expect(await Self.ask(server)?.body == "hello x")
            #expect(await refused?.status == 431)
        }
        var trailers = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
        trailers += String(repeating: "a:\r\n", count: 200_000) + "\r\n"
        #expect(await Self.ask(server, trailers)?.status == 431)
    }
}
