import Foundation
import HTTPServer
import Host
import Logging
import Testing

@testable import Server

@Suite(.timeLimit(.minutes(2))) struct SettingsTests {
    @Test func `the defaults are those of the contract`() {
        let settings = Settings()
        #expect(settings.server.host == "127.0.0.1")
        #expect(settings.server.port == 8080)
        #expect(settings.server.poller == .auto)
        #expect(settings.server.maxConnections == 1024)
        #expect(settings.server.headerTimeout == .seconds(10))
        #expect(settings.server.bodyTimeout == .seconds(30))
        #expect(settings.server.writeTimeout == .seconds(30))
        #expect(settings.server.idleTimeout == .seconds(60))
        #expect(settings.server.maxHeaderBytes == 16 * 1024)
        #expect(settings.server.maxHeaderFields == 128)
        #expect(settings.server.minBodyRate == 16 * 1024)
        #expect(settings.server.maxConnectionsPerAddress == nil)
        #expect(settings.server.maxBufferedBytesPerAddress == nil)
        #expect(settings.server.trustedProxies.isEmpty)
        #expect(settings.server.crossOriginPolicy == nil)
        #expect(settings.server.page)
        #expect(settings.server.maxBodyBytes == 32 * 1024 * 1024)
        #expect(settings.server.maxBufferedBytes == 512 * 1024 * 1024)
        #expect(settings.server.drainDelay == .zero)
        #expect(settings.server.drainTimeout == .seconds(25))
        #expect(settings.images.maxPixels == 128_000_000)
        #expect(settings.images.maxRequestPixels == 512_000_000)
        #expect(settings.images.decodeBytes == 1024 * 1024 * 1024)
        #expect(settings.images.maxPerRequest == 64)
        #expect(settings.images.applyOrientation)
        #expect(settings.images.decode == .exact)
        #expect(settings.batching.maxBatchSize == 32)
        #expect(settings.batching.maxQueueDelay == .zero)
        #expect(settings.batching.queueCapacity == 256)
        #expect(settings.batching.queueBytes == 512 * 1024 * 1024)
        #expect(settings.batching.queuePixels == 2_000_000_000)
        #expect(settings.batching.requestDeadline == .seconds(10))
        #expect(settings.models.directory == "weights")
        #expect(settings.models.defaultModel == nil)
        #expect(settings.models.reloadInterval == .seconds(1))
        #expect(settings.models.precision == .float32)
        #expect(settings.threads.total == nil)
        #expect(settings.log.level == .info)
        #expect(settings.log.format == .text)
        #expect(settings.log.access == .all)
        #expect(settings.log.maxBufferedBytes == 1 << 20)
        #expect(settings.admin.tokenFile == nil)
        #expect(settings.models.memoryLimit == nil)
    }

    @Test func `connections are limited to the available descriptors, and the log says so`() {
        for (soft, connections, lineCount) in [(1216, 1024, 0), (1215, 1023, 1), (384, 192, 1)] {
            let sink = RecordingSink()
            let logger = Logger(label: "test") { _ in LineLogHandler(level: .info, format: .text, sink: sink) }
            let settings = Settings().fittingDescriptors(DescriptorLimit(soft: soft, hard: soft), logger)
            #expect(settings.server.maxConnections == connections)
            #expect(sink.lines.filter { $0.contains("connections=\(connections)") }.count == lineCount)
        }
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        #expect(Settings().fittingDescriptors(nil, logger) == Settings())
    }

    @Test func `config/alexnet.yaml lists every key with its default and its meaning`() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let path = root.appendingPathComponent("config/alexnet.yaml").path
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(text == Settings.commentedDefaults)
        let file = try SettingsFile(path: path, bytes: Array(text.utf8))
        #expect(Set(file.lines.keys) == Set(SettingKey.all.map(\.name)))
        #expect(try Settings.load(file: path, environment: [:], flags: [:]) == Settings())
    }

    @Test(arguments: SettingKey.all.map(\.name))
    func `every default reads back as the value it was written from`(name: String) throws {
        let key = try #require(SettingKey.byName[name])
        var settings = Settings()
        #expect(key.assign(key.defaultText, &settings))
        #expect(settings == Settings())
        #expect(key.meaning.hasSuffix("."))
    }

    @Test func `no two keys share a name or a variable`() {
        #expect(SettingKey.byName.count == SettingKey.all.count)
        #expect(Set(SettingKey.all.map(\.variable)).count == SettingKey.all.count)
        #expect(SettingKey.byName["batching.max_batch_size"]?.variable == "ALEXNET_BATCHING_MAX_BATCH_SIZE")
        #expect(SettingKey.sections == ["server", "images", "batching", "models", "threads", "log", "admin"])
    }

    @Test(arguments: Self.changes)
    func `each key sets its own property and no other`(change: Change) throws {
        var expected = Settings()
        change.apply(&expected)
        #expect(expected != Settings())
        #expect(try Settings.load(file: nil, defaultFile: "none", environment: [:], flags: change.flags) == expected)
        let variable = try #require(SettingKey.byName[change.name]?.variable)
        let environment = [variable: change.value]
        #expect(try Settings.load(file: nil, defaultFile: "none", environment: environment, flags: [:]) == expected)
        let parts = change.name.split(separator: ".")
        let file = try TemporaryFile("\(parts[0]):\n  \(parts[1]): \(change.value)\n")
        #expect(try Settings.load(file: file.path, environment: [:], flags: [:]) == expected)
    }

    @Test func `the changes above cover every key that has more than one value`() {
        let oneValue: Set = ["images.decode"]
        #expect(Set(Self.changes.map(\.name)) == Set(SettingKey.all.map(\.name)).subtracting(oneValue))
    }

    struct Change: Sendable, CustomTestStringConvertible {
        let name: String
        let value: String
        let apply: @Sendable (inout Settings) -> Void

        var flags: [String: String] { [name: value] }
        var testDescription: String { "\(name)=\(value)" }
    }

    static let changes: [Change] = [
        Change(name: "server.host", value: "0.0.0.0") { $0.server.host = "0.0.0.0" },
        Change(name: "server.port", value: "0") { $0.server.port = 0 },
        Change(name: "server.poller", value: "dispatch") { $0.server.poller = .dispatch },
        Change(name: "server.max_connections", value: "7") { $0.server.maxConnections = 7 },
        Change(name: "server.max_connections_per_address", value: "5") { $0.server.maxConnectionsPerAddress = 5 },
        Change(name: "server.trusted_proxies", value: "10.0.0.0/8") {
            $0.server.trustedProxies = [AddressBlock("10.0.0.0/8")].compactMap(\.self)
        },
        Change(name: "server.min_body_rate", value: "1KiB") { $0.server.minBodyRate = 1024 },
        Change(name: "server.max_header_fields", value: "50") { $0.server.maxHeaderFields = 50 },
        Change(name: "server.max_buffered_bytes_per_address", value: "64MiB") {
            $0.server.maxBufferedBytesPerAddress = 64 << 20
        },
        Change(name: "server.header_timeout", value: "250ms") { $0.server.headerTimeout = .milliseconds(250) },
        Change(name: "server.body_timeout", value: "2m") { $0.server.bodyTimeout = .seconds(120) },
        Change(name: "server.write_timeout", value: "1h") { $0.server.writeTimeout = .seconds(3600) },
        Change(name: "server.idle_timeout", value: "5s") { $0.server.idleTimeout = .seconds(5) },
        Change(name: "server.max_header_bytes", value: "8KiB") { $0.server.maxHeaderBytes = 8192 },
        Change(name: "server.max_body_bytes", value: "1MiB") { $0.server.maxBodyBytes = 1_048_576 },
        Change(name: "server.max_buffered_bytes", value: "1GiB") { $0.server.maxBufferedBytes = 1_073_741_824 },
        Change(name: "server.drain_delay", value: "3s") { $0.server.drainDelay = .seconds(3) },
        Change(name: "server.drain_timeout", value: "0") { $0.server.drainTimeout = .zero },
        Change(name: "images.max_pixels", value: "1000") { $0.images.maxPixels = 1000 },
        Change(name: "images.max_request_pixels", value: "2000") { $0.images.maxRequestPixels = 2000 },
        Change(name: "images.decode_bytes", value: "2MiB") { $0.images.decodeBytes = 2 << 20 },
        Change(name: "images.max_per_request", value: "1") { $0.images.maxPerRequest = 1 },
        Change(name: "images.apply_orientation", value: "false") { $0.images.applyOrientation = false },
        Change(name: "batching.max_batch_size", value: "8") { $0.batching.maxBatchSize = 8 },
        Change(name: "batching.max_queue_delay", value: "5ms") { $0.batching.maxQueueDelay = .milliseconds(5) },
        Change(name: "batching.queue_capacity", value: "64") { $0.batching.queueCapacity = 64 },
        Change(name: "batching.queue_bytes", value: "1048576") { $0.batching.queueBytes = 1_048_576 },
        Change(name: "batching.queue_pixels", value: "3000") { $0.batching.queuePixels = 3000 },
        Change(name: "batching.request_deadline", value: "1s") { $0.batching.requestDeadline = .seconds(1) },
        Change(name: "models.directory", value: "/srv/models") { $0.models.directory = "/srv/models" },
        Change(name: "models.default", value: "fashion-mnist") { $0.models.defaultModel = "fashion-mnist" },
        Change(name: "models.follow_outside_links", value: "true") { $0.models.followOutsideLinks = true },
        Change(name: "models.reload_interval", value: "10ms") { $0.models.reloadInterval = .milliseconds(10) },
        Change(name: "models.memory_limit", value: "3GiB") { $0.models.memoryLimit = 3 << 30 },
        Change(name: "models.tuning_limit", value: "250ms") { $0.models.tuningLimit = .milliseconds(250) },
        Change(name: "models.tuning_cache", value: "measured") { $0.models.tuningCache = "measured" },
        Change(name: "models.precision", value: "int8-weights") { $0.models.precision = .int8Weights },
        Change(name: "threads.total", value: "3") { $0.threads.total = 3 },
        Change(name: "log.level", value: "debug") { $0.log.level = .debug },
        Change(name: "log.format", value: "json") { $0.log.format = .json },
        Change(name: "log.access", value: "predictions") { $0.log.access = .predictions },
        Change(name: "server.cors_origins", value: "http://a.example") {
            $0.server.crossOriginPolicy = CrossOriginPolicy(origins: ["http://a.example"])
        },
        Change(name: "server.page", value: "false") { $0.server.page = false },
        Change(name: "log.max_buffered_bytes", value: "64KiB") { $0.log.maxBufferedBytes = 64 << 10 },
        Change(name: "admin.token_file", value: "/run/token") { $0.admin.tokenFile = "/run/token" },
    ]
}
