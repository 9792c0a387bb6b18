import Foundation

/// Whether the date can be right: logs, metrics and certificates of proxies stand on it.
struct ClockCheck: Check {
    let now: Date

    /// This program is no older. Units: seconds since 1970.
    static let earliest = 1_767_225_600.0
    /// Nobody will run it so late. Units: seconds since 1970.
    static let latest = 4_102_444_800.0

    var finding: Finding {
        let text = now.formatted(.iso8601)
        guard Self.earliest..<Self.latest ~= now.timeIntervalSince1970 else {
            return .warning(
                "clock", text, advice: "Set the machine's clock (timedatectl set-ntp true): this cannot be the time.")
        }
        return .ok("clock", text)
    }
}
