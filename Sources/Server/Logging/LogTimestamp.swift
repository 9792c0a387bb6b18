#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// A moment of the wall clock as logs write it: UTC, with milliseconds.
///
/// - Source: RFC 3339 §5.6
struct LogTimestamp: Sendable, CustomStringConvertible {
    /// Since 1970, UTC. Units: milliseconds.
    let milliseconds: Int

    init(milliseconds: Int) { self.milliseconds = milliseconds }

    /// The time now.
    static var now: LogTimestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return LogTimestamp(milliseconds: time.tv_sec * 1000 + time.tv_nsec / 1_000_000)
    }

    /// `2026-11-21T06:31:00.123Z`
    var description: String {
        let (seconds, millisecond) = Self.floorDivide(milliseconds, 1000)
        var time = time_t(seconds)
        var parts = tm()
        gmtime_r(&time, &parts)
        let date =
            "\(Self.padded(Int(parts.tm_year) + 1900, 4))-\(Self.padded(Int(parts.tm_mon) + 1, 2))"
            + "-\(Self.padded(Int(parts.tm_mday), 2))"
        let clock =
            "\(Self.padded(Int(parts.tm_hour), 2)):\(Self.padded(Int(parts.tm_min), 2))"
            + ":\(Self.padded(Int(parts.tm_sec), 2)).\(Self.padded(millisecond, 3))"
        return "\(date)T\(clock)Z"
    }

    private static func floorDivide(_ dividend: Int, _ divisor: Int) -> (quotient: Int, remainder: Int) {
        let (quotient, remainder) = dividend.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = "\(number)"
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
