import Testing

@testable import Server

@Suite(.timeLimit(.minutes(2))) struct QuantityTests {
    @Test(arguments: [
        ("0", 0), ("1", 1), ("1024", 1024), ("16KiB", 16_384), ("32MiB", 33_554_432), ("1GiB", 1_073_741_824),
        ("9223372036854775807", Int.max), ("8589934591GiB", Int.max - (1 << 30) + 1),
    ])
    func `bytes are read with and without a unit`(written: String, expected: Int) {
        #expect(Quantity.bytes(written) == expected)
    }

    @Test(arguments: [
        "", " 1", "1 ", "+5", "-5", "1.5KiB", "1e3", "0x10", "010", "00", "1_000", "KiB", "1kib", "1KB", "1K",
        "1 KiB",
        "1KiBs", "٣", "1KiB\n", "9223372036854775808", "8589934592GiB", "99999999999999999999999",
    ])
    func `sizes that are not strictly digits and a unit, or that do not fit, are refused`(written: String) {
        #expect(Quantity.bytes(written) == nil)
    }

    @Test(arguments: [
        ("0", Duration.zero), ("0s", .zero), ("250ms", .milliseconds(250)), ("10s", .seconds(10)),
        ("2m", .seconds(120)), ("1h", .seconds(3600)), ("9223372036854775807ms", .milliseconds(Int.max)),
        ("9223372036854775s", .seconds(9_223_372_036_854_775)),
    ])
    func `times are read in milliseconds, seconds, minutes and hours, and a plain zero`(
        written: String, expected: Duration
    ) {
        #expect(Quantity.duration(written) == expected)
    }

    @Test(arguments: [
        "", "1", "10", "+5s", "-5s", "1.5s", "s", "01s", "1 s", "1S", "1sec", "1us", "1d", "1s1",
        "9223372036854776s",
        "9223372036854775808ms",
    ])
    func `times without a unit, with a sign, or beyond the clock are refused`(written: String) {
        #expect(Quantity.duration(written) == nil)
    }

    @Test(arguments: [0, 1, 1023, 1024, 1025, 16_384, 1 << 20, 3 << 30, Int.max])
    func `what is written reads back`(bytes: Int) {
        #expect(Quantity.bytes(Quantity.text(bytes: bytes)) == bytes)
    }

    @Test(arguments: [
        (0, "0s"), (1, "1ms"), (999, "999ms"), (1000, "1s"), (1500, "1500ms"), (60_000, "60s"), (120_000, "2m"),
        (121_000, "121s"), (3_600_000, "1h"), (86_400_000, "24h"),
    ])
    func `times are written in their customary unit`(milliseconds: Int, text: String) {
        #expect(Quantity.text(duration: .milliseconds(milliseconds)) == text)
        #expect(Quantity.duration(text) == .milliseconds(milliseconds))
    }
}
