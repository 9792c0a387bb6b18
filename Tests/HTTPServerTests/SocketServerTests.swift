import HTTPTypes
import Logging
import Testing

@testable import HTTPServer

@Suite(.timeLimit(.minutes(1)), .everyPoller) struct SocketServerTests {
    private func server(_ edit: (inout ServerOptions) -> Void) -> SocketServer {
        var options = ServerOptions()
        options.port = 0
        options.poller = .underTest
        edit(&options)
        return SocketServer(
            options: options, router: Router(), observer: TestServer.Recorder(),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    @Test func `it listens on names and addresses, and tells the port`() throws {
        let named = try server { $0.host = "localhost" }.start()
        #expect(named.host == "127.0.0.1" && named.port > 0)
        #expect(SocketAddress(host: "::1", port: 80).description == "[::1]:80")
        #expect(SocketAddress(host: "127.0.0.1", port: 80).description == "127.0.0.1:80")
    }

    @Test func `errors say what to do`() throws {
        let running = server { _ in }
        let address = try running.start()
        #expect(throws: SocketError.alreadyStarted) { try running.start() }
        #expect(throws: SocketError.addressInUse(address)) { try server { $0.port = address.port }.start() }
        #expect(throws: SocketError.port(65536)) { try server { $0.port = 65536 }.start() }
        let foreign = SocketAddress(host: "192.0.2.1", port: 0)
        #expect(throws: SocketError.addressNotAvailable(foreign)) { try server { $0.host = "192.0.2.1" }.start() }
        let error = #expect(throws: SocketError.self) { try server { $0.host = "no such host" }.start() }
        #expect(error?.description.contains("'no such host' is unknown") == true)
    }

    @Test func `of many who start it at once one does, and after a failure it can be started again`() async throws {
        for _ in 0..<20 {
            let server = server { _ in }
            let started = await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<8 { group.addTask { (try? server.start()) != nil } }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(started == 1)
        }
        let running = server { _ in }
        let address = try running.start()
        let late = server { $0.port = address.port }
        #expect(throws: SocketError.addressInUse(address)) { try late.start() }
        #expect(throws: SocketError.addressInUse(address)) { try late.start() }
        #expect(await running.drain(timeout: .zero))
        #expect(try late.start() == address)
    }

    @Test func `a server that was never started has nothing to drain`() async {
        #expect(await server { _ in }.drain(timeout: .zero))
    }

    @Test func `connections have their share of several threads, and all of them are drained`() async throws {
        let server = try TestServer { $0.eventLoopCount = 3 }
        let clients = (0..<7).map { _ in server.client() }
        for round in 0..<3 {
            for client in clients {
                await client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n\(round)")
            }
            for client in clients { #expect(await client.answer()?.body == "\(round)") }
        }
        // The optimiser lets go of what is not used any more, and a client that is gone has hung up.
        withExtendedLifetime(clients) { #expect(server.server.connectionCount == 7) }
        #expect(await server.server.drain(timeout: .seconds(60)))
        #expect(server.server.connectionCount == 0)
    }
}
