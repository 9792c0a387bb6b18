import ArgumentParser
import Foundation
import HTTPServer
import Logging
import Server
import TestSupport
import Testing

@testable import alexnet

@Suite struct ServerAddressTests {
    @Test(arguments: [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"), ("HTTP://host.example:80/", "http://host.example:80"),
        ("8081", "http://127.0.0.1:8081"), (":8081", "http://127.0.0.1:8081"),
        ("host.example", "http://host.example:8080"),
        ("http://[::1]:9000", "http://[::1]:9000"), ("unix:/run/a.sock", "unix:/run/a.sock"),
        ("localhost:1", "http://localhost:1"),
    ])
    func `an address is a URL, a port or a socket's path`(text: String, description: String) {
        #expect(ServerAddress(text)?.description == description)
    }

    @Test(arguments: [
        "", "https://a.example", "http://a/b", "a:b", "1:2:3", "unix:", "http://", "65536", "a:65536", "ftp://a",
    ])
    func `anything else is none`(text: String) {
        #expect(ServerAddress(text) == nil)
    }

    @Test func `of a server on all interfaces this machine's own address is asked`() {
        var settings = Settings()
        for (host, expected) in [
            ("0.0.0.0", "http://127.0.0.1:8080"), ("::", "http://[::1]:8080"), ("unix:/x", "unix:/x"),
            ("10.0.0.1", "http://10.0.0.1:8080"),
        ] {
            settings.server.host = host
            #expect(ServerAddress(settings).description == expected)
        }
    }
}

@Suite(.timeLimit(.minutes(2))) struct ServerClientTests {
    private func server(_ host: String = "127.0.0.1") throws -> (server: SocketServer, client: ServerClient) {
        var router = Router()
        router.on(.get, "/hello") { _ in .text("hello") }
        router.on(.post, "/echo", readsBody: true) { request in
            guard case .bytes(let bytes) = request.body else { return .text("") }
            return Response(body: bytes)
        }
        router.on(.get, "/bad") { _ in .problem(.serviceUnavailable, "Not now.") }
        var options = ServerOptions()
        (options.host, options.port) = (host, 0)
        let server = SocketServer(
            options: options, router: router, observer: Nobody(),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        let address = try #require(ServerAddress(try server.start().url))
        return (server, ServerClient(address: address))
    }

    /// Is told everything and keeps nothing.
    private struct Nobody: ServerObserver {
        func connectionOpened() {}
        func connectionClosed() {}
        func requestCompleted(_ record: RequestRecord) {}
    }

    @Test func `answers are read whole, over TCP and over a Unix socket`() throws {
        let folder = try TemporaryFolder()
        for host in ["127.0.0.1", "unix:" + folder.path("socket")] {
            let (server, client) = try server(host)
            let hello = try client.send("GET", "/hello")
            #expect(
                hello.status == 200 && String(decoding: hello.body, as: UTF8.self) == "hello" && hello.detail == nil)
            let large = (0..<1 << 20).map { UInt8(truncatingIfNeeded: $0) }
            #expect(try client.send("POST", "/echo", body: large).body == large)
            let bad = try client.send("GET", "/bad")
            #expect(bad.status == 503 && bad.detail == "Not now.")
            withExtendedLifetime(server) {}
        }
    }

    @Test func `a server that is not there is told with what to do`() throws {
        let folder = try TemporaryFolder()
        for text in ["1", "unix:" + folder.path("none"), "host.invalid:80"] {
            let client = ServerClient(address: try #require(ServerAddress(text)))
            let error = #expect(throws: ServerClient.Failure.self) { try client.send("GET", "/") }
            #expect(
                error?.description.contains("start one with alexnet serve, or name its address with --url.") == true)
        }
    }

    @Test(arguments: [
        "", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", "HTTP/1.1 x OK\r\n\r\n",
        "SSH-2.0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nab",
    ])
    func `an answer that is cut off, or is none, is refused`(text: String) {
        #expect(ServerClient.parse(Array(text.utf8)) == nil)
    }

    @Test func `without a length the content ends with the connection, and with one before it`() {
        let open = ServerClient.parse(Array("HTTP/1.0 200 OK\r\n\r\nabc".utf8))
        #expect(open?.body == Array("abc".utf8))
        let closed = ServerClient.parse(Array("HTTP/1.1 404 Not Found\r\ncontent-length:  2\r\n\r\nabc".utf8))
        #expect(closed?.status == 404 && closed?.body == Array("ab".utf8))
    }
}

@Suite struct ServerProcessTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// A process as /proc has it.
    private func add(_ pid: Int, _ words: [String], inodes: [Int] = []) throws {
        try folder.write(Array((words.joined(separator: "\0") + "\0").utf8), to: "\(pid)/cmdline")
        try folder.write(Array("100 50 3 0 0 0 0\n".utf8), to: "\(pid)/statm")
        try folder.makeFolder("\(pid)/fd")
        for (number, inode) in inodes.enumerated() {
            try FileManager.default.createSymbolicLink(
                atPath: folder.path("\(pid)/fd/\(number)"), withDestinationPath: "socket:[\(inode)]")
        }
    }

    private func addSockets() throws {
        let head = "  sl  local_address rem_address   st\n"
        let rest = "00000000:00000000 00:00000000 00000000     0        0"
        try folder.write(
            Array(
                (head + "   0: 0100007F:1F90 00000000:0000 0A \(rest) 111 1\n"
                    + "   1: 00000000:1F91 00000000:0000 0A \(rest) 112 1\n"
                    + "   2: 0100007F:1F92 0100007F:1234 01 \(rest) 113 1\n").utf8), to: "net/tcp")
        try folder.write(
            Array(
                (head
                    + "   0: 00000000000000000000000001000000:1F93 \(String(repeating: "0", count: 32)):0000 0A \(rest) 114 1\n")
                    .utf8),
            to: "net/tcp6")
        try folder.write(
            Array(
                ("Num RefCount Protocol Flags Type St Inode Path\n"
                    + "0000: 00000002 00000000 00010000 0001 01 115 /run/alexnet/socket\n"
                    + "0000: 00000002 00000000 00000000 0001 03 116 /run/other\n").utf8), to: "net/unix")
    }

    @Test func `servers are the processes that serve, each with the addresses where it listens`() throws {
        try addSockets()
        try add(10, ["/usr/bin/alexnet", "serve", "--port", "8080"], inodes: [1, 113, 111])
        try add(11, ["alexnet", "serve"], inodes: [115])
        try add(12, ["alexnet", "predict", "serve"], inodes: [112])
        try add(13, ["vim", "serve"], inodes: [112])
        try add(14, [".build/release/alexnet", "serve"], inodes: [112, 114])
        try add(15, ["alexnet", "serve"])
        let found = ServerProcess.all(in: folder.path(""))
        #expect(found.map(\.pid) == [10, 11, 14, 15])
        #expect(
            found.map { $0.addresses.map(\.description) } == [
                ["http://127.0.0.1:8080"], ["unix:/run/alexnet/socket"],
                ["http://127.0.0.1:8081", "http://[::1]:8083"], [],
            ])
        #expect(found[0].residentByteCount == 50 * Int(getpagesize()))
    }

    @Test func `the only server is stopped, of several one that is named or all`() throws {
        try addSockets()
        try add(10, ["alexnet", "serve"], inodes: [111])
        let one = ServerProcess.all(in: folder.path(""))
        #expect(try Stop.choose(from: one, number: nil, all: false) == one)
        try add(11, ["alexnet", "serve"], inodes: [112])
        let both = ServerProcess.all(in: folder.path(""))
        #expect(throws: Stop.Mistake.several(both)) { try Stop.choose(from: both, number: nil, all: false) }
        #expect(try Stop.choose(from: both, number: 8081, all: false).map(\.pid) == [11])
        #expect(try Stop.choose(from: both, number: 10, all: false).map(\.pid) == [10])
        #expect(try Stop.choose(from: both, number: nil, all: true) == both)
        #expect(throws: Stop.Mistake.unknown(7, there: both)) { try Stop.choose(from: both, number: 7, all: false) }
        #expect(throws: Stop.Mistake.none) { try Stop.choose(from: [], number: nil, all: true) }
        #expect(
            Stop.Mistake.several(both).description
                == "Several servers run here: 10 at http://127.0.0.1:8080, 11 at http://127.0.0.1:8081. Name one by its number or "
                + "port, or stop them with --all.")
    }

    @Test func `a running time is told in its two largest units`() {
        for (seconds, text) in [
            (0.0, "0 s"), (59.9, "59 s"), (61, "1 min 1 s"), (7200, "2 h 0 min"), (90_000, "1 d 1 h"), (-1, "0 s"),
        ] {
            #expect(Processes.text(seconds) == text)
        }
    }
}

@Suite struct ServiceManagerTests {
    @Test func `a socket is taken over only by the process that it is meant for`() {
        func descriptor(_ pid: String?, _ count: String?) -> Int32? {
            var environment: [String: String] = [:]
            environment["LISTEN_PID"] = pid
            environment["LISTEN_FDS"] = count
            return ServiceManager(environment: environment).listeningDescriptor(processNumber: 77)
        }
        #expect(descriptor("77", "1") == 3)
        #expect(descriptor("77", "2") == 3)
        for (pid, count) in [("78", "1"), ("77", "0"), ("77", "x"), ("x", "1"), ("77", nil), (nil, "1")] {
            #expect(descriptor(pid, count) == nil)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `readiness and the end are told to whoever asked`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("notify")
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(descriptor) }
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: path.utf8) }
        let isBound = withUnsafePointer(to: name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
        try #require(isBound)
        let manager = ServiceManager(environment: ["NOTIFY_SOCKET": path])
        for (tell, text) in [({ manager.ready() }, "READY=1"), ({ manager.stopping() }, "STOPPING=1")] {
            tell()
            var buffer = [UInt8](repeating: 0, count: 64)
            let count = recv(descriptor, &buffer, buffer.count, 0)
            #expect(String(decoding: buffer.prefix(max(0, count)), as: UTF8.self) == text)
        }
        // Nobody asked, or the path is none.
        ServiceManager(environment: [:]).ready()
        ServiceManager(environment: ["NOTIFY_SOCKET": "relative"]).ready()
    }
}
