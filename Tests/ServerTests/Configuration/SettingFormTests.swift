import HTTPServer
import Testing

@testable import Server

@Suite(.timeLimit(.minutes(2))) struct SettingFormTests {
    @Test(arguments: [
        ("server.port", "0", "65535", "-1", "65536"),
        ("server.max_connections", "1", "1000000", "0", "1000001"),
        ("server.max_connections_per_address", "0", "1000000", "-1", "1000001"),
        ("server.min_body_rate", "0", "1GiB", "-1", "1073741825"),
        ("server.max_header_fields", "1", "65000", "0", "65001"),
        ("server.max_buffered_bytes_per_address", "1KiB", "1024GiB", "1023", "1099511627777"),
        ("server.header_timeout", "1ms", "3600s", "0", "3600001ms"),
        ("server.body_timeout", "1ms", "60m", "0s", "3600001ms"),
        ("server.write_timeout", "1ms", "1h", "0", "61m"),
        ("server.idle_timeout", "1ms", "1h", "0", "3601s"),
        ("server.max_header_bytes", "1024", "1024KiB", "1023", "1048577"),
        ("server.max_body_bytes", "1KiB", "4GiB", "1023", "4294967297"),
        ("server.max_buffered_bytes", "1KiB", "1024GiB", "1023", "1099511627777"),
        ("server.drain_delay", "0", "25s", "-1s", "3600001ms"),
        ("server.drain_timeout", "0", "1h", "-1s", "3600001ms"),
        ("images.max_pixels", "1", "1000000000", "0", "1000000001"),
        ("images.max_request_pixels", "1", "1000000000000", "0", "1000000000001"),
        ("images.decode_bytes", "1MiB", "1024GiB", "1048575", "1099511627777"),
        ("images.max_per_request", "1", "65536", "0", "65537"),
        ("batching.max_batch_size", "1", "4096", "0", "4097"),
        ("batching.max_queue_delay", "0", "9s", "-1ms", "60001ms"),
        ("batching.queue_capacity", "1", "1000000", "0", "1000001"),
        ("batching.queue_bytes", "1MiB", "1024GiB", "1048575", "1099511627777"),
        ("batching.queue_pixels", "1", "1000000000000", "0", "1000000000001"),
        ("batching.request_deadline", "1ms", "1h", "0", "3600001ms"),
        ("models.reload_interval", "10ms", "24h", "9ms", "86400001ms"),
        ("models.tuning_limit", "0s", "60s", "-1s", "60001ms"),
        ("threads.total", "0", "1024", "-1", "1025"),
    ])
    func `every numeric key accepts its limits and refuses one beyond`(
        name: String, least: String, most: String, below: String, above: String
    ) throws {
        let key = try #require(SettingKey.byName[name])
        var settings = Settings()
        #expect(key.assign(least, &settings))
        #expect(key.assign(most, &settings))
        let before = settings
        #expect(!key.assign(below, &settings))
        #expect(!key.assign(above, &settings))
        #expect(settings == before)
    }

    @Test func `a poller is one of those that the system has, and the refusal says where the other one is`() throws {
        let key = try #require(SettingKey.byName["server.poller"])
        var settings = Settings()
        for kind in PollerKind.allCases {
            #expect(key.assign(kind.rawValue, &settings) == kind.isAvailable)
            if kind.isAvailable { #expect(settings.server.poller == kind) }
        }
        #expect(!key.assign("kqueue", &settings))
        #expect(key.expectation == "auto, dispatch or epoll (epoll exists on Linux only)")
    }

    @Test func `hosts are names and addresses, not URLs or empty`() {
        let form = SettingForm<String>.host
        for host in ["localhost", "0.0.0.0", "::", "::1", "fe80::1%eth0", "a-b.example"] {
            #expect(form.parse(host) == host)
        }
        for host in [
            "", "http://a", "[::1]", "localhost:8080", "127.0.0.1:80", "a b", "a\n", "ä",
            String(repeating: "a", count: 256),
        ] {
            #expect(form.parse(host) == nil)
        }
    }

    @Test func `proxies are addresses and networks with commas between them`() {
        let form = SettingForm.addressBlocks
        #expect(form.parse("") == [])
        #expect(form.parse("10.0.0.0/8,::1 , 192.0.2.1")?.map(\.description) == ["10.0.0.0/8", "::1", "192.0.2.1"])
        #expect(form.parse("10.0.0.0/8,::1").map(form.write) == "10.0.0.0/8, ::1")
        for text in [",", "10.0.0.0/8,", "10.0.0.1/8", "proxy.example", "10.0.0.0/8 ::1", "10.0.0.0/33", "\n"] {
            #expect(form.parse(text) == nil)
        }
    }

    @Test func `words are taken as they are spelt`() {
        #expect(SettingForm.choice(LogFormat.self).parse("json") == .json)
        #expect(SettingForm.choice(LogFormat.self).parse("JSON") == nil)
        #expect(SettingForm.choice(LogFormat.self).parse("") == nil)
        #expect(SettingForm<Bool>.flag.parse("True") == nil)
    }
}
