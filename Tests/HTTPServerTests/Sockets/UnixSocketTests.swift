import Foundation
import TestSupport
import Testing

@testable import HTTPServer

@Suite(.timeLimit(.minutes(2)), .everyPoller) struct UnixSocketTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private var path: String { folder.path("socket") }

    private func server(_ path: String? = nil) throws -> TestServer {
        try TestServer { $0.host = "unix:\(path ?? self.path)" }
    }

    private func ask(_ server: TestServer) async -> TestClient.Answer? {
        await TestClient(path: path, server: server).ask(
            "GET /hello?name=x HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.9\r\n\r\n")
    }

    @Test func `requests are answered, and the socket is gone after the end`() async throws {
        let server = try server()
        #expect(server.address.description == "unix:\(path)" && server.address.url == "unix:\(path)")
        #expect(await ask(server)?.body == "hello x")
        // Whoever may connect is a proxy of this machine, whose clients' addresses count.
        let state = await server.observer.wait { $0.records.count == 1 }
        #expect(state.records.first?.remoteAddress == "192.0.2.9")
        let permissions = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(permissions == 0o660)
        #expect(await server.server.drain(timeout: .seconds(60)))
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test func `a socket that a killed server has left is replaced, one that is served is not`() async throws {
        let first = try server()
        #expect(throws: SocketError.addressInUse(SocketAddress(host: "unix:\(path)", port: 0))) { try server() }
        #expect(await ask(first)?.status == 200)
        let left = folder.path("left")
        Socket.close(try UnixSocket.listen(left, backlog: 1))
        #expect(FileManager.default.fileExists(atPath: left))
        let second = try server(left)
        #expect(second.address.host == "unix:\(left)")
    }

    @Test func `a file that is no socket is left alone`() throws {
        try Data("mine".utf8).write(to: URL(fileURLWithPath: path))
        #expect(throws: SocketError.notSocket(path: path)) { try server() }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "mine")
    }

    @Test func `a path of 107 bytes is the longest`() throws {
        let start = folder.path("") + "/"
        let name = String(repeating: "x", count: 107 - start.utf8.count)
        #expect(try server(start + name).address.host.utf8.count == 107 + 5)
        #expect(throws: SocketError.pathTooLong(start + name + "x", limit: 107)) { try server(start + name + "x") }
    }

    @Test func `a socket that listens already is taken over, another descriptor is not`() async throws {
        let (descriptor, address) = try Socket.listen(host: "127.0.0.1", port: 0, backlog: 16)
        let server = try TestServer { $0.listeningDescriptor = descriptor }
        #expect(server.address == address)
        #expect(await server.client().ask("GET /hello?name=x HTTP/1.1\r\nHost: a\r\n\r\n")?.body == "hello x")

        let file = open("/dev/null", O_RDONLY)
        #expect(throws: SocketError.notListening(file)) { try TestServer { $0.listeningDescriptor = file } }
        Socket.close(file)
    }
}
