import Glibc
@testable import HTTPServer
@testable import Inference
import Logging
@testable import Server
@testable import Threads

/// A server of its own with its clients, its disk and its troubles: everything in it follows from one seed.
final class World: @unchecked Sendable {  // guard: one thread at a time runs, see SimulatedThread
    let scheduler: Scheduler
    let checks: Checks
    let system: SimulatedSystem
    /// Makes the clients' requests.
    var requests: RequestMaker
    /// How many images each address has under way, and the most that it ever had.
    var inFlight: [String: Int] = [:]
    var peaks: [String: Int] = [:]
    let plan: WorldPlan
    let classCount: Int

    private var settings: Settings { plan.settings }
    private let workers: SimulatedWorkers
    private let timers: TimerQueue
    private let disk: SimulatedDisk
    private let queues: QueueMaker
    private let metrics: ServingMetrics
    private let log: SimulatedLog
    private let batcher: Batcher
    private let store: ModelStore
    private let phase = ServingPhase()
    private let executor: EventExecutor
    private var server: SocketServer?
    private var watcher: ModelWatcher?
    private var budget: BodyBudget?
    private var clients: [ObjectIdentifier: SimulatedClient] = [:]
    private var addresses: [String] { plan.addresses }
    private let requestLimit: Int
    /// The versions of each model, and when each was served. Units: nanoseconds.
    private var history: [String: [(version: String, from: Int, to: Int?)]] = [:]
    /// Until when each model last had no slot; `.max` while it has none. Units: nanoseconds.
    private var absentUntil: [String: Int] = [:]
    private var lastVersion = 1
    /// Since when images wait although every worker is idle. Units: nanoseconds.
    private var idleSince: Int?
    /// The time at which the server cuts the connections that are left; nil before it stops.
    private var cutTime: Int?
    private var hasStopped = false

    /// The queues that the server has asked for.
    private final class QueueMaker: @unchecked Sendable {  // guard: one thread at a time runs, see SimulatedThread
        let scheduler: Scheduler
        var queues: [SimulatedQueue] = []

        init(_ scheduler: Scheduler) { self.scheduler = scheduler }

        func make() -> SimulatedQueue {
            let queue = SimulatedQueue(scheduler)
            queues.append(queue)
            return queue
        }
    }

    init(seed: UInt64, requestLimit: Int, template: Model, isTraced: Bool) throws {
        scheduler = Scheduler(seed: seed)
        let scheduler = scheduler
        let checks = Checks(scheduler, isTraced: isTraced)
        self.checks = checks
        self.requestLimit = requestLimit
        classCount = template.classes.count

        let plan = WorldPlan(scheduler)
        self.plan = plan
        let settings = plan.settings
        system = SimulatedSystem(scheduler, conditions: plan.conditions, checks: checks)

        workers = SimulatedWorkers(scheduler, threadCount: plan.threadCount, lateness: plan.isFaulty ? 10 : 0)
        timers = TimerQueue(clock: SimulatedAlarm(scheduler))
        metrics = ServingMetrics(routes: RoutePattern.allCases.map(\.rawValue))
        log = SimulatedLog(checks)
        let logger = log.logger(scheduler)
        let computation = SimulatedComputation(
            scheduler, maxPixels: settings.images.maxPixels,
            passDuration: scheduler.pickMagnitude(.microseconds(50)...Int.milliseconds(30)),
            imageDuration: scheduler.pickMagnitude(.microseconds(10)...Int.milliseconds(3)))
        batcher = Batcher(
            settings: settings, workers: workers.pool, timers: timers, metrics: metrics, computation: computation)

        disk = SimulatedDisk(scheduler)
        let names = Array(["first", "second", "third"].prefix(scheduler.pick(1...3)))
        for name in names { disk.replace(name, by: .init(version: 1)) }
        requests = RequestMaker(scheduler, models: names, maxPixels: settings.images.maxPixels)
        let queues = QueueMaker(scheduler)
        self.queues = queues
        let reader = SimulatedReader(scheduler, disk: disk, template: template)
        reader.duration = .microseconds(100)...scheduler.pickMagnitude(.milliseconds(1)...Int.milliseconds(300))
        store = try ModelStore(
            .directory(SimulatedDisk.directory), defaultName: scheduler.chance(1, in: 2) ? names[0] : nil,
            reader: reader,
            limits: ModelLimits(memoryLimit: 1 << 40, batching: settings.batching), fileSystem: disk, metrics: metrics,
            logger: logger, makeQueue: { _ in queues.make() })
        executor = EventExecutor(scheduler)
        let router = Router.serving(
            store: store, batcher: batcher, workers: workers.pool, phase: phase, metrics: metrics, settings: settings,
            adminToken: nil)
        var options = ServerOptions(settings, threadCount: plan.threadCount)
        options.eventLoopCount = scheduler.pick(1...2)
        options.lingerTimeout = .milliseconds(scheduler.pick(50...1000))
        server = SocketServer(
            options: options, router: router,
            observer: AccessObserver(metrics: metrics, logger: logger, logging: settings.log.access), logger: logger,
            system: system)
    }

    // MARK: The run

    /// Runs the world from its first connection to the last answer.
    func run() throws {
        try server?.start()
        // Most clients wait until the server is ready.
        let waits = scheduler.chance(3, in: 4)
        if !waits { scheduler.after(scheduler.pick(0...Int.milliseconds(50))) { [self] in open() } }
        Task(executorPreference: executor) { [self] in
            _ = await store.loadAll()
            if waits { open() }
        }
        try runEvents()
    }

    /// Clients come, and the disk changes.
    private func open() {
        watcher = ModelWatcher(
            store: store, interval: settings.models.reloadInterval, timers: timers, queue: queues.make())
        spawn()
        makeTrouble()
    }

    private func runEvents() throws {
        while scheduler.step() {
            if scheduler.eventCount % 8 == 0 { checkBudgets() }
            noteVersions()
            guard checks.failures.count < 5 else { return }
            // Nothing in a world takes longer than its longest limit, so it must have come to rest by then.
            if scheduler.time > .seconds(600) {
                checks.fail("the world does not come to rest")
                return
            }
        }
        checkEnd()
    }

    /// Connects the next client, until there were enough requests.
    private func spawn() {
        guard (checks.counts["requests"] ?? 0) < requestLimit else { return stop() }
        let manners: [SimulatedClient.Manner] = [
            .polite, .polite, .polite, .polite, .polite, .polite, .polite, .polite, .polite, .polite, .polite,
            .pipelining, .pipelining, .slow,
            .stalling, .halfClosing, .aborting, .hostile, .hostile, .deaf, .silent,
        ]
        // The first address is greedy, the last one is modest.
        let isModest = scheduler.chance(1, in: 6)
        let index =
            isModest ? addresses.count - 1 : scheduler.chance(1, in: 2) ? 0 : scheduler.pick(0...addresses.count - 1)
        let client = SimulatedClient(
            self, manner: isModest || index == addresses.count - 1 ? .polite : scheduler.pick(manners),
            address: addresses[index],
            wishes: scheduler.pickMagnitude(1...300), isSmall: index == addresses.count - 1)
        clients[ObjectIdentifier(client)] = client
        checks.count("connections")
        let pause = scheduler.chance(1, in: 10) ? Int.milliseconds(30) : .milliseconds(1)
        scheduler.after(scheduler.pickMagnitude(1000...pause)) { [self] in spawn() }
    }

    /// A client's connection is over.
    func ended(_ client: SimulatedClient) { clients[ObjectIdentifier(client)] = nil }

    /// Something happens to the disk, again and again.
    private func makeTrouble() {
        guard cutTime == nil else { return recover() }
        let name = scheduler.pick(["first", "second", "third"])
        let isServed = disk.content(of: name) != nil
        lastVersion += 1
        let version = lastVersion
        switch scheduler.pick(0...9) {
        case 0...2 where isServed: disk.replace(name, by: .init(version: version))
        case 3...4 where isServed:
            checks.count("models copied over")
            disk.overwrite(name, by: .init(version: version, isWhole: false), byteCount: 500)
            scheduler.after(scheduler.pickMagnitude(1000...Int.milliseconds(300))) { [self] in
                disk.overwrite(name, by: .init(version: version), byteCount: 1000 + Int64(version % 3))
            }
        case 5 where isServed && disk.names.count > 1:
            checks.count("models removed")
            disk.remove(name)
        case 6 where !isServed: disk.replace(name, by: .init(version: version))
        case 7: disk.replace(name, by: .init(version: version, isWhole: false))
        case 8, 9:
            checks.count("disk failures")
            disk.failure = scheduler.pick([EIO, EMFILE, EACCES, ENOMEM])
            scheduler.after(scheduler.pickMagnitude(1000...Int.milliseconds(500))) { [self] in disk.failure = nil }
        default: break
        }
        scheduler.after(scheduler.pickMagnitude(.milliseconds(1)...Int.milliseconds(300))) { [self] in makeTrouble() }
    }

    private func recover() { disk.failure = nil }

    /// Stops the server as SIGTERM does, perhaps in the middle of everything.
    private func stop() {
        guard cutTime == nil else { return }
        let delay = scheduler.chance(1, in: 2) ? 0 : scheduler.pickMagnitude(.milliseconds(1)...Int.seconds(2))
        cutTime = .max
        scheduler.after(delay) { [self] in
            phase.leave()
            scheduler.after(scheduler.pick(0...Int.milliseconds(20))) { [self] in
                phase.finish(at: scheduler.now)
                let timeout = settings.server.drainTimeout
                cutTime = scheduler.time + (timeout).inNanoseconds
                checks.trace("draining for \(timeout)")
                let start = scheduler.time
                scheduler.after((ServerOptions().drainGrace).inNanoseconds + .milliseconds(50) + plan.tick) { [self] in
                    for client in clients.values { client.checkDraining(since: start - .milliseconds(50)) }
                }
                Task(executorPreference: executor) { [self] in
                    let isClean = await server?.drain(timeout: timeout) ?? false
                    checks.count(isClean ? "clean stops" : "stops that cut connections")
                    checks.trace("drained: \(isClean)")
                    stopped()
                }
            }
        }
    }

    private func stopped() {
        hasStopped = true
        checks.expect(
            server?.connectionCount == 0, "\(server?.connectionCount ?? 0) connections are open after the stop")
        watcher?.stop()
        server = nil
    }

    /// Whether the server has run out of time and cuts what is left.
    var hasCutConnections: Bool { cutTime.map { scheduler.time >= $0 - .milliseconds(2) } ?? false }

    // MARK: Models

    private func noteVersions() {
        guard scheduler.hasQueueRun else { return }
        scheduler.hasQueueRun = false
        for name in ["first", "second", "third"] {
            let slot = store[name]
            if slot == nil {
                absentUntil[name] = .max
            } else if absentUntil[name] == .max {
                absentUntil[name] = scheduler.time
            }
            let version = slot?.model?.version
            let last = history[name]?.last
            let current = last?.to == nil ? last?.version : nil
            guard version != current else { continue }
            var versions = history[name] ?? []
            if current != nil { versions[versions.count - 1].to = scheduler.time }
            if let version { versions.append((version, scheduler.time, nil)) }
            history[name] = versions
            guard let version else { continue }
            checks.trace("model \(name) is version \(version) now")
            checks.count("versions served")
            checks.expect(version != "mixture", "a model is served that is half of one version and half of another")
        }
    }

    /// Whether a version was served at some time after `start`; of any model if none is named.
    func wasServed(_ version: String, model: String?, since start: Int) -> Bool {
        (model.map { [$0] } ?? ["first", "second", "third"]).contains { name in
            (history[name] ?? []).contains { $0.version == version && ($0.to ?? .max) >= start }
        }
    }

    /// Whether a model had no slot at some time after `start`.
    func mayBeGone(_ model: String?, since start: Int) -> Bool {
        model.map { (absentUntil[$0] ?? -1) >= start } ?? false
    }

    // MARK: Invariants

    private func checkBudgets() {
        if let connections = server?.registry.connections {
            if budget == nil { budget = connections.first?.context.bodyBudget }
            let limit = settings.server.maxConnections + 2 * ConnectionRegistry.reserve
            checks.expect(
                connections.count <= limit || cutTime != nil,
                "\(connections.count) connections are open; the limit is \(settings.server.maxConnections)")
            checks.peak("most connections", connections.count)
        }
        if let budget {
            checks.expect(
                (0...budget.limit).contains(budget.byteCount),
                "bodies hold \(budget.byteCount) bytes; the limit is \(budget.limit)")
        }
        let depth = batcher.depth
        let modelCount = 3
        checks.expect(
            depth <= settings.batching.queueCapacity * modelCount,
            "\(depth) images wait; the limit is \(settings.batching.queueCapacity) a model")
        checks.peak("deepest queue", depth)
        checkProgress(depth)
    }

    /// Images do not wait while every worker is idle, longer than a batch may wait for more of them.
    private func checkProgress(_ depth: Int) {
        guard depth > 0, workers.isIdle else {
            idleSince = nil
            return
        }
        let since = idleSince ?? scheduler.time
        idleSince = since
        let limit =
            max((CoalescingDelay.longest).inNanoseconds, (settings.batching.maxQueueDelay).inNanoseconds) + plan.tick
        checks.expect(
            scheduler.time - since <= limit,
            "\(depth) images wait, and every worker is idle since \(Checks.text(since))")
    }

    /// Everything has come to rest: what was taken must have been given back.
    private func checkEnd() {
        for client in clients.values { client.checkAtEnd() }
        checks.expect(hasStopped, "the server has not stopped")
        checks.expect(budget?.byteCount ?? 0 == 0, "\(budget?.byteCount ?? 0) bytes of bodies are not given back")
        checks.expect(batcher.depth == 0, "\(batcher.depth) images are left in the queue")
        checks.expect(batcher.requestCount == 0, "\(batcher.requestCount) requests are left in the batcher")
        checks.expect(timers.count == 0, "\(timers.count) timers are left")
        checks.expect(workers.isIdle, "a worker is busy, or a job waits")
        checks.expect(queues.queues.allSatisfy(\.isAtRest), "a queue is not at rest")
        checks.expect(system.pollers.allSatisfy(\.hasEnded), "an event loop has not ended")
        checks.expect(
            system.openDescriptors.isEmpty, "descriptors \(system.openDescriptors) are open at the end")
        let held = store.context.budget.byteCount
        let served = store.slots.compactMap(\.memoryByteCount).reduce(0, +)
        checks.expect(held == served, "models hold \(held) bytes, and those that are served \(served)")
        for count in inFlight.values {
            checks.expect(count == 0, "\(count) images are still counted: a fault of the simulation")
        }
        workers.stop()
        for queue in queues.queues { queue.stop() }
    }
}
