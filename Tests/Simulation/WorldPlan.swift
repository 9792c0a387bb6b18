@testable import Server

/// What kind of world a seed makes: the server's limits, its machine, its addresses, and how much goes wrong.
struct WorldPlan {
    let threadCount: Int
    /// Whether there are too few connections or descriptors, so that some have to give way to others.
    let isCrowded: Bool
    /// Whether bodies, bytes and pixels run out.
    let isTight: Bool
    /// Whether connections are reset, loops stand still, and threads are late.
    let isFaulty: Bool
    /// The first one is greedy, the last one modest.
    let addresses: [String]
    let settings: Settings
    let conditions: SimulatedSystem.Conditions

    init(_ scheduler: Scheduler) {
        threadCount = scheduler.pick(1...4)
        isCrowded = scheduler.chance(1, in: 3)
        isTight = scheduler.chance(1, in: 4)
        isFaulty = scheduler.chance(1, in: 2)
        addresses = (1...scheduler.pick(2...8)).map { "10.0.0.\($0)" }
        settings = Self.settings(scheduler, isCrowded: isCrowded, isTight: isTight)
        conditions = Self.conditions(scheduler, isCrowded: isCrowded, isFaulty: isFaulty)
    }

    private static func settings(_ scheduler: Scheduler, isCrowded: Bool, isTight: Bool) -> Settings {
        var settings = Settings()
        settings.server.maxConnections = isCrowded ? scheduler.pick(2...20) : 512
        settings.server.headerTimeout = .milliseconds(scheduler.pick(50...1000))
        settings.server.bodyTimeout = .milliseconds(scheduler.pick(50...1000))
        settings.server.writeTimeout = .milliseconds(scheduler.pick(100...1000))
        settings.server.idleTimeout = .milliseconds(scheduler.pick(20...2000))
        settings.server.minBodyRate = scheduler.pick([0, 1024, 16 << 10])
        settings.server.maxBodyBytes = 512 << 10
        settings.server.maxBufferedBytes = isTight ? 600 << 10 : 64 << 20
        settings.server.drainTimeout = .milliseconds(scheduler.pick(100...5000))
        settings.batching.requestDeadline = .milliseconds(scheduler.pickMagnitude(20...5000))
        settings.batching.queueCapacity = scheduler.pickMagnitude(2...256)
        settings.batching.maxBatchSize = scheduler.pick(1...32)
        settings.batching.maxQueueDelay = .milliseconds(scheduler.chance(1, in: 3) ? scheduler.pick(1...20) : 0)
        if isTight {
            settings.batching.queueBytes = scheduler.pickMagnitude(1 << 20...(64 << 20))
            settings.batching.queuePixels = scheduler.pickMagnitude(10_000...100_000_000)
        }
        settings.images.maxPixels = 16_000_000
        settings.images.maxRequestPixels = scheduler.pick([16_000_000, 512_000_000])
        settings.models.directory = SimulatedDisk.directory
        settings.models.reloadInterval = .milliseconds(scheduler.pick(20...500))
        settings.log.access = scheduler.pick([.all, .predictions, .none, .none, .none, .none])
        return settings
    }

    private static func conditions(
        _ scheduler: Scheduler, isCrowded: Bool, isFaulty: Bool
    ) -> SimulatedSystem.Conditions {
        var conditions = SimulatedSystem.Conditions()
        conditions.shortTransfers = scheduler.pick([0, 5, 40])
        conditions.latency = 5000...scheduler.pickMagnitude(.microseconds(50)...Int.milliseconds(2))
        if isFaulty {
            conditions.resets = scheduler.pick([0, 20, 500])
            conditions.stalls = scheduler.pick([0, 2, 20])
        }
        if isCrowded, scheduler.chance(1, in: 3) { conditions.maxDescriptors = scheduler.pick(6...20) }
        return conditions
    }

    /// What no address may be refused below, as long as no other resource runs out. Units: images.
    var fairShare: Int { isTight ? 0 : settings.batching.queueCapacity / addresses.count }

    /// How much later than the deadline an answer may be: epoll counts in milliseconds, and a loop may stand still twice.
    /// Units: nanoseconds.
    var tick: Int { .milliseconds(3) + (conditions.stalls > 0 ? .milliseconds(45) : 0) }

    /// A pause of a client that may be longer than the server waits. Units: nanoseconds.
    var longPause: Int { 2 * settings.server.idleTimeout.inNanoseconds }

    /// The longest time between two bytes of a slow client. Units: nanoseconds.
    var slowness: Int { max(.milliseconds(2), settings.server.headerTimeout.inNanoseconds / 8) }

    /// The longest time that the server may wait for the rest of a request. Units: nanoseconds.
    var longestStall: Int {
        (settings.server.headerTimeout + settings.server.bodyTimeout).inNanoseconds + .milliseconds(200)
    }

    /// The time from a request's last byte to its answer. Units: nanoseconds.
    var deadline: Int { settings.batching.requestDeadline.inNanoseconds }
}

extension Duration {
    var inNanoseconds: Int {
        let (seconds, attoseconds) = components
        return Int(seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000)
    }
}
