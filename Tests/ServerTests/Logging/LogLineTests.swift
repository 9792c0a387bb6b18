import Testing

@testable import Server

@Suite(.timeLimit(.minutes(2))) struct LogTimestampTests {
    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
        (951_782_400_007, "2000-02-29T00:00:00.007Z"),
        (1_795_242_660_123, "2026-11-21T06:31:00.123Z"), (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
        (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
    ])
    func `moments are written in UTC with milliseconds`(milliseconds: Int, expected: String) {
        #expect(LogTimestamp(milliseconds: milliseconds).description == expected)
    }

    @Test func `the clock is plausible`() {
        #expect(LogTimestamp.now.milliseconds > 1_700_000_000_000)
    }
}
