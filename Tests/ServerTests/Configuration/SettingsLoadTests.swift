import Testing

@testable import Server

@Suite(.timeLimit(.minutes(2))) struct SettingsLoadTests {
    private func load(
        _ environment: [String: String] = [:], flags: [String: String] = [:], file: TemporaryFile? = nil
    ) throws(SettingsError) -> Settings {
        try Settings.load(
            file: file?.path, defaultFile: "no/such/folder/alexnet.yaml", environment: environment, flags: flags)
    }

    /// The sentence with which a configuration is refused.
    private func refusal(
        _ environment: [String: String] = [:], flags: [String: String] = [:], file: TemporaryFile? = nil
    ) -> String? {
        do {
            _ = try load(environment, flags: flags, file: file)
            return nil
        } catch {
            return error.description
        }
    }

    @Test func `a flag replaces the environment, which replaces the file, which replaces the default`() throws {
        let file = try TemporaryFile("server:\n  port: 1\n  host: file\n  idle_timeout: 1s\n")
        let environment = ["ALEXNET_SERVER_PORT": "2", "ALEXNET_SERVER_HOST": "environment"]
        let settings = try load(environment, flags: ["server.port": "3"], file: file)
        #expect(settings.server.port == 3)
        #expect(settings.server.host == "environment")
        #expect(settings.server.idleTimeout == .seconds(1))
        #expect(settings.server.bodyTimeout == .seconds(30))
    }

    @Test func `without a file the defaults apply, but a named file must exist`() throws {
        #expect(try load() == Settings())
        #expect(throws: SettingsError.unreadableFile(path: "no/such.yaml", reason: "there is no such file")) {
            try Settings.load(file: "no/such.yaml", environment: [:], flags: [:])
        }
    }

    @Test func `a folder and an overlong file are refused`() throws {
        #expect(throws: SettingsError.unreadableFile(path: "/", reason: "Is a directory")) {
            try Settings.load(file: "/", environment: [:], flags: [:])
        }
        let full = "#" + String(repeating: "-", count: (64 << 10) - 1)
        #expect(try load(file: TemporaryFile(full)) == Settings())
        let overlong = try TemporaryFile(full + "-")
        #expect(throws: SettingsError.unreadableFile(path: overlong.path, reason: "it has more than 64KiB")) {
            try load(file: overlong)
        }
    }

    @Test func `a file from Windows is read: a byte order mark, CR LF, UTF-16`() throws {
        let text = "server:\r\n  port: 81\r\n"
        let utf16: [UInt8] = [0xFF, 0xFE] + text.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
        for bytes in [[0xEF, 0xBB, 0xBF] + Array(text.utf8), utf16] {
            #expect(try load(file: TemporaryFile(bytes: bytes)).server.port == 81)
        }
        let page = try TemporaryFile("<html>")
        #expect(
            throws: SettingsError.unreadableFile(
                path: page.path,
                reason:
                    "it is not text in UTF-8: it is a web page, such as one of a log-in or an error: download the file itself"
            )
        ) { try load(file: page) }
    }

    @Test(arguments: ["", "# no\n", "server:\n"])
    func `a file of comments, and a section without keys, leave the defaults`(text: String) throws {
        #expect(try load(file: TemporaryFile(text)) == Settings())
    }

    @Test func `an unknown key in the file is refused with its line and the nearest known key`() throws {
        let misspelt = try TemporaryFile("server:\n  port: 1\nbatching:\n  max_bach_size: 4\n")
        #expect(
            refusal(file: misspelt)
                == "\(misspelt.path):4: unknown key batching.max_bach_size; did you mean batching.max_batch_size?")
        let section = try TemporaryFile("batchin:\n  max_batch_size: 4\n")
        #expect(refusal(file: section) == "\(section.path):1: unknown key batchin; did you mean batching?")
        let moved = try TemporaryFile("server:\n  max_batch_size: 4\n")
        #expect(
            refusal(file: moved)
                == "\(moved.path):2: unknown key server.max_batch_size; did you mean batching.max_batch_size?")
        let dotted = try TemporaryFile("server.port: 4\n")
        #expect(refusal(file: dotted) == "\(dotted.path):1: server.port must be written as port below server")
        let strange = try TemporaryFile("log:\n  qqqqqqqqqqqqqqqq: 4\n")
        #expect(refusal(file: strange) == "\(strange.path):2: unknown key log.qqqqqqqqqqqqqqqq")
    }

    @Test func `an unknown variable and an unknown flag are refused with the nearest known one`() {
        #expect(
            refusal(["ALEXNET_BATCHING_MAX_BACH_SIZE": "4"])
                == "unknown environment variable ALEXNET_BATCHING_MAX_BACH_SIZE; "
                + "did you mean ALEXNET_BATCHING_MAX_BATCH_SIZE?")
        #expect(
            refusal(flags: ["server.prot": "4"])
                == "command line: unknown key server.prot; did you mean server.port?")
    }

    @Test func `variables of others, and those Kubernetes sets for a service called alexnet, are ignored`() throws {
        let environment = [
            "PATH": "/bin", "SERVER_PORT": "1", "ALEXNETSERVER_PORT": "1",
            "ALEXNET_SERVICE_HOST": "10.0.0.1", "ALEXNET_SERVICE_PORT": "80", "ALEXNET_SERVICE_PORT_HTTP": "80",
            "ALEXNET_PORT": "tcp://10.0.0.1:80", "ALEXNET_PORT_80_TCP": "tcp://10.0.0.1:80",
            "ALEXNET_PORT_80_TCP_ADDR": "10.0.0.1", "ALEXNET_PORT_80_TCP_PROTO": "tcp",
            "ALEXNET_SERVER_PORT": "tcp://10.0.0.2:8080",
        ]
        #expect(try load(environment) == Settings())
        #expect(
            refusal(["ALEXNET_PORT": "80"]) == "unknown environment variable ALEXNET_PORT; did you mean "
                + "ALEXNET_SERVER_PORT?")
    }

    @Test func `a platform's port replaces the file's, and is replaced by the program's own variable and by flags`()
        throws
    {
        let file = try TemporaryFile("server:\n  port: 1\n")
        func port(_ environment: [String: String], flags: [String: String] = [:]) throws -> Int {
            try load(environment, flags: flags, file: file).server.port
        }
        #expect(try port(["PORT": "8081"]) == 8081)
        #expect(try port(["AIP_HTTP_PORT": "8082", "PORT": "8081"]) == 8082)
        #expect(try port(["PORT": "8081", "ALEXNET_SERVER_PORT": "8083"]) == 8083)
        #expect(try port(["PORT": "8081"], flags: ["server.port": "8084"]) == 8084)
        #expect(try port(["PORT": ""]) == 1)
        #expect(
            refusal(["PORT": "http"])
                == "server.port is \"http\" (environment variable PORT), but must be a whole number from 0 to 65535")
    }

    @Test func `a wrong value is refused with its key, what was found, what is expected and where it came from`() throws
    {
        let file = try TemporaryFile("server:\n  host: a\n  port: 80a\n")
        let expected = "but must be a whole number from 0 to 65535"
        #expect(refusal(file: file) == "server.port is \"80a\" (\(file.path):3), \(expected)")
        #expect(
            refusal(["ALEXNET_SERVER_PORT": "65536"])
                == "server.port is \"65536\" (environment variable ALEXNET_SERVER_PORT), \(expected)")
        #expect(refusal(flags: ["server.port": "-1"]) == "server.port is \"-1\" (command line), \(expected)")
        #expect(
            refusal(flags: ["server.idle_timeout": "10"])
                == "server.idle_timeout is \"10\" (command line), but must be a time from 1ms to 1h, in ms, s, m or h")
        #expect(
            refusal(flags: ["server.max_header_bytes": "16KB"])
                == "server.max_header_bytes is \"16KB\" (command line), "
                + "but must be a size from 1KiB to 1MiB, in KiB, MiB, GiB or plain bytes")
        #expect(
            refusal(flags: ["log.access": "yes"])
                == "log.access is \"yes\" (command line), but must be true, predictions or false")
        #expect(
            refusal(flags: ["server.page": "yes"])
                == "server.page is \"yes\" (command line), but must be true or false")
        #expect(
            refusal(flags: ["server.cors_origins": "shop.example"])
                == "server.cors_origins is \"shop.example\" (command line), but must be empty, * or origins "
                + "(https://shop.example) with commas between them, without paths")
        for host in ["unix:socket", "unix:", "unix:/", "unix:/run/"] {
            #expect(
                refusal(flags: ["server.host": host])
                    == "server.host is \"\(host)\" (command line), but must be a host name or an address, without port or "
                    + "brackets, or unix: and the path of a socket")
        }
        #expect(
            refusal(flags: ["log.format": "xml"]) == "log.format is \"xml\" (command line), but must be text or json")
        #expect(
            refusal(flags: ["threads.total": "many"])
                == "threads.total is \"many\" (command line), but must be auto (or 0) or a whole number from 1 to 1024")
    }

    @Test func `a wrong value is refused even where a later layer replaces it`() {
        #expect(
            refusal(["ALEXNET_LOG_FORMAT": "xml"], flags: ["log.format": "json"])
                == "log.format is \"xml\" (environment variable ALEXNET_LOG_FORMAT), but must be text or json")
    }

    @Test func `what later versions will accept is refused in words that say so`() {
        #expect(
            refusal(flags: ["models.precision": "bfloat16"])
                == "models.precision is \"bfloat16\" (command line), but must be float32, float16 or int8-weights")
    }

    @Test func `control characters of a value are escaped in the error`() {
        #expect(
            refusal(flags: ["models.directory": "a\n\u{1B}[2J"])
                == #"models.directory is "a\n\u{1B}[2J" (command line), but must be not empty and on one line"#)
        let long = refusal(flags: ["server.port": String(repeating: "9", count: 1000)])
        #expect(long?.contains("\"" + String(repeating: "9", count: 80) + "\"…") == true)
    }

    @Test(arguments: [
        ("[80]", "a list"), ("{a: 1}", "a mapping"), ("", "nothing"), ("~", "nothing"), ("null", "nothing"),
    ])
    func `in the file, lists, mappings, aliases and empty values are refused`(value: String, found: String) throws {
        let file = try TemporaryFile("server:\n  port: \(value)\n")
        #expect(
            refusal(file: file)
                == "server.port is \(found) (\(file.path):2), but must be a whole number from 0 to 65535")
    }

    @Test func `a section must hold keys`() throws {
        let file = try TemporaryFile("log: debug\n")
        #expect(
            refusal(file: file)
                == "log is \"debug\" (\(file.path):1), but must be a section of keys, each on its own line")
    }

    @Test func `quoted values are read, and an empty one means none where that is allowed`() throws {
        let file = try TemporaryFile("server: {port: \"81\"}\nmodels:\n  default: ''\nadmin:\n  token_file: \"\"\n")
        var expected = Settings()
        expected.server.port = 81
        #expect(try load(file: file) == expected)
        #expect(try load(["ALEXNET_ADMIN_TOKEN_FILE": ""]) == Settings())
        #expect(try load(["ALEXNET_THREADS_TOTAL": "0"]) == Settings())
        #expect(try load(["ALEXNET_THREADS_TOTAL": "auto"]) == Settings())
    }

    @Test(arguments: [
        ("- 1\n", ":1: this is a list, but must be a mapping of sections"),
        ("server\n", ":1: this is \"server\", but must be a mapping of sections"),
        ("server:\n  port: 1\n  port: 2\n", ":2: a key occurs twice: port"),
        ("server:\n\tport: 1\n", ":2: the line begins with a tab; indent YAML with spaces"),
        ("server: {port: 1\n", ":2: this is not YAML: did not find expected ',' or '}'"),
        ("server: *nobody\n", ":1: this is not YAML: found undefined alias"),
        ("? [a]\n: 1\n", ":1: a list was found where a key is expected"),
        ("a: 1\n---\nb: 2\n", ":2: this is not YAML: but found another document"),
    ])
    func `a file that is not a YAML mapping is refused with its line`(text: String, refusal expected: String) throws {
        let file = try TemporaryFile(text)
        #expect(refusal(file: file) == file.path + expected)
    }

    @Test func `binary files, deep nesting and alias bombs are refused`() throws {
        let binary = try TemporaryFile(bytes: [0xFF, 0xFF, 0x00, 0x80])
        #expect(refusal(file: binary)?.contains("it is not text in UTF-8") == true)
        #expect(refusal(file: try TemporaryFile(String(repeating: "[", count: 60_000))) != nil)
        #expect(refusal(file: try TemporaryFile(String(repeating: "- ", count: 30_000))) != nil)
        var bomb = "a: &a [x,x]\n"
        for name in "bcdefghijklmnopqrstuvwxyz" {
            let previous = String(UnicodeScalar(name.asciiValue.map { $0 - 1 } ?? 0))
            bomb += "\(name): &\(name) [*\(previous),*\(previous),*\(previous),*\(previous)]\n"
        }
        let file = try TemporaryFile(bomb)
        #expect(refusal(file: file) == "\(file.path):1: unknown key a")
    }

    @Test(arguments: [
        (
            ["server.max_buffered_bytes": "31MiB"],
            "server.max_body_bytes is 32MiB (the default), but must not exceed server.max_buffered_bytes, "
                + "which is 31MiB (command line)"
        ),
        (
            ["server.max_buffered_bytes_per_address": "31MiB"],
            "server.max_body_bytes is 32MiB (the default), but must not exceed server.max_buffered_bytes_per_address, "
                + "which is 31MiB (command line)"
        ),
        (
            ["batching.max_queue_delay": "10s"],
            "batching.max_queue_delay is 10s (command line), but must be less than batching.request_deadline, "
                + "which is 10s (the default)"
        ),
        (
            ["server.drain_delay": "26s"],
            "server.drain_delay is 26s (command line), but must not exceed server.drain_timeout, "
                + "which is 25s (the default)"
        ),
    ])
    func `values that contradict each other are refused`(flags: [String: String], refusal expected: String)
        throws
    {
        #expect(refusal(flags: flags) == expected)
    }

    @Test func `values at the limit of a contradiction are accepted`() throws {
        _ = try load(flags: [
            "server.max_buffered_bytes": "32MiB", "batching.max_queue_delay": "9999ms", "server.drain_delay": "25s",
        ])
    }
}
