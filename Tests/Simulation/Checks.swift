import Files

/// What was found wrong in a world, and a digest of everything that its server did.
final class Checks: @unchecked Sendable {  // guard: one thread at a time runs, see SimulatedThread
    /// The first few things that were found wrong.
    private(set) var failures: [String] = []
    /// How many answers there were of each kind, and what else is worth counting.
    private(set) var counts: [String: Int] = [:]
    /// Whether every step is told.
    let isTraced: Bool
    private let scheduler: Scheduler
    /// A hash over all that was accepted, written and closed, with its time. Two runs of a seed have the same.
    private(set) var digest: UInt64 = 0xCBF2_9CE4_8422_2325

    init(_ scheduler: Scheduler, isTraced: Bool) {
        self.scheduler = scheduler
        self.isTraced = isTraced
    }

    /// Something is wrong.
    func fail(_ sentence: String) {
        if isTraced { trace("WRONG: \(sentence)") }
        if failures.count < 5 { failures.append("at \(Self.text(scheduler.time)): \(sentence)") }
    }

    /// Something is wrong unless this holds.
    func expect(_ condition: Bool, _ sentence: @autoclosure () -> String) { if !condition { fail(sentence()) } }

    func count(_ name: String, _ count: Int = 1) { counts[name, default: 0] += count }

    /// Notes the largest value.
    func peak(_ name: String, _ value: Int) { counts[name] = max(counts[name] ?? 0, value) }

    /// The server did something.
    func note(_ stream: Stream, _ what: String, _ detail: UInt64) {
        mix(UInt64(scheduler.time))
        mix(UInt64(stream.number))
        mix(detail)
        if isTraced { trace("connection \(stream.number) \(what) \(detail)") }
    }

    /// The server wrote these bytes.
    func note(_ stream: Stream, _ what: String, bytes: UnsafeRawBufferPointer) {
        mix(UInt64(scheduler.time))
        mix(UInt64(stream.number))
        var offset = 0
        while offset + 8 <= bytes.count {
            mix(bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            offset += 8
        }
        while offset < bytes.count {
            mix(UInt64(bytes[offset]))
            offset += 1
        }
        if isTraced {
            let text = String(decoding: bytes.prefix(400), as: UTF8.self).split(separator: "\r\n")
            trace("connection \(stream.number) \(what) \(bytes.count): \(text.joined(separator: " | "))")
        }
    }

    func trace(_ sentence: @autoclosure () -> String) {
        if isTraced { say("\(Self.text(scheduler.time)) \(sentence())") }
    }

    private func mix(_ value: UInt64) { digest = Mix64.mix((digest ^ value) &+ Mix64.increment) }

    static func text(_ nanoseconds: Int) -> String {
        let micros = nanoseconds / 1000
        let fraction = String(micros % 1_000_000)
        return "\(micros / 1_000_000).\(String(repeating: "0", count: 6 - fraction.count))\(fraction) s"
    }
}
