import Foundation
import ModelTestSupport
import Synchronization
import TestSupport
import Testing
import Threads

@testable import Inference

@Suite("The choice between algorithms", .timeLimit(.minutes(2)))
struct AlgorithmTuningTests {
    private struct Fill: Inference.Operation {
        let name: String
        let value: Float
        func run(_ run: OperationRun) { run.output.update(repeating: value, count: run.batchSize) }
    }

    private static func algorithm(_ name: String, cost: Double, error: Double? = nil) -> Algorithm {
        var check: (@Sendable (any Inference.Operation, WorkerPool) -> Double)?
        if let error { check = { _, _ in error } }
        return Algorithm(name: name, cost: cost, relativeError: check) { _, _ in Fill(name: name, value: Float(cost)) }
    }

    /// A layer of one value with three algorithms, whose estimates rank them as they are listed.
    private struct Choice: Layer {
        var error: Double?
        func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape { [1] }
        func callAsFunction(_ inputs: [Tensor]) -> Tensor { inputs[0] }
        func workload(for inputs: [Shape]) -> String { "choice" }
        func algorithms(for inputs: [Shape], activation: Activation?) -> [Algorithm] {
            [
                algorithm("cheap", cost: 1, error: error), algorithm("middling", cost: 2),
                algorithm("dear", cost: 100),
            ]
        }
    }

    private static func planner(_ selector: AlgorithmSelector, error: Double? = nil) throws -> Planner {
        Planner(
            network: try Network(inputShape: [1], chain: [("node", Choice(error: error))]),
            workers: WorkerPool(threadCount: 2), selector: selector, batchLimit: 8)
    }

    private static func name(_ planner: Planner, batchSize: Int = 8, threadCount: Int = 1) -> String {
        planner.plan(batchSize: batchSize, threadCount: threadCount).steps[0].operation.name
    }

    private static func entry(
        _ algorithm: String, _ seconds: Double, setting: Int = 0, batchSize: Int = 6, threadCount: Int = 1
    ) -> AlgorithmTimings.Entry {
        .init(
            workload: "choice", algorithm: algorithm, batchSize: batchSize, threadCount: threadCount, seconds: seconds,
            setting: setting)
    }

    @Test func `without times the lowest estimate wins, and an override over everything`() throws {
        #expect(Self.name(try Self.planner(AlgorithmSelector())) == "cheap")
        #expect(Self.name(try Self.planner(AlgorithmSelector(overrides: ["node": "dear"]))) == "dear")
    }

    @Test func `what was measured wins over estimates, for one image and for several apart`() throws {
        let timings = AlgorithmTimings(entries: [
            Self.entry("cheap", 3), Self.entry("middling", 2), Self.entry("dear", 1, batchSize: 1, threadCount: 2),
        ])
        let planner = try Self.planner(AlgorithmSelector(timings: timings))
        #expect(Self.name(planner) == "middling")
        #expect(Self.name(planner, batchSize: 1, threadCount: 2) == "dear")
    }

    @Test func `an algorithm that is faster by less than times vary does not displace the expected one`() throws {
        for (seconds, expected) in [(0.95, "cheap"), (0.85, "middling")] {
            let timings = AlgorithmTimings(entries: [Self.entry("cheap", 1), Self.entry("middling", seconds)])
            #expect(Self.name(try Self.planner(AlgorithmSelector(timings: timings))) == expected)
        }
    }

    @Test func `one image is computed as several are where that is nearly as fast, so that weights are prepared once`()
        throws
    {
        for (seconds, expected) in [(1.1, "middling"), (1.15, "dear")] {
            let timings = AlgorithmTimings(entries: [
                Self.entry("cheap", 3), Self.entry("middling", 2), Self.entry("dear", 3),
                Self.entry("cheap", 1.2, batchSize: 1, threadCount: 2),
                Self.entry("middling", seconds, batchSize: 1, threadCount: 2),
                Self.entry("dear", 1, batchSize: 1, threadCount: 2),
            ])
            let planner = try Self.planner(AlgorithmSelector(timings: timings))
            #expect(Self.name(planner, batchSize: 1, threadCount: 2) == expected)
            #expect(Self.name(planner) == "middling")
        }
    }

    @Test func `an algorithm that is not precise enough is passed over, unless it is demanded`() throws {
        let limit = AlgorithmSelector.errorLimit
        #expect(Self.name(try Self.planner(AlgorithmSelector(), error: limit)) == "cheap")
        #expect(Self.name(try Self.planner(AlgorithmSelector(), error: limit * 1.01)) == "middling")
        let demanding = AlgorithmSelector(overrides: ["node": "cheap"])
        #expect(Self.name(try Self.planner(demanding, error: limit * 1.01)) == "cheap")
    }

    @Test func `measuring leaves out what cannot win, and begins nothing when the time is up`() throws {
        let timings = AlgorithmTimings()
        let planner = try Self.planner(AlgorithmSelector(timings: timings))
        let workers = WorkerPool(threadCount: 2)
        planner.measure(with: AlgorithmTuner(workers: workers, deadline: .now - .seconds(1)))
        #expect(timings.entries.isEmpty)
        planner.measure(with: AlgorithmTuner(workers: workers, deadline: .now + .seconds(600)))
        #expect(Set(timings.entries.map(\.algorithm)) == ["cheap", "middling"])
        #expect(timings.entries.count == 4)
        #expect(timings.entries.allSatisfy { $0.seconds > 0 })
    }

    @Test func `Winograd's error on a layer's own weights is small, and that of wrong results is not`() throws {
        var random = RandomValues(seed: 4)
        let layer = Conv2d(weight: random.tensor([8, 6, 3, 3]), bias: random.tensor([8]), padding: 1)
        let workers = WorkerPool(threadCount: 1)
        let algorithms = layer.algorithms(for: [[6, 13, 13]], activation: .relu)
        for algorithm in algorithms {
            guard let relativeError = algorithm.relativeError else { continue }
            let error = relativeError(algorithm.make(workers), workers)
            #expect(error > 0 && error < AlgorithmSelector.errorLimit, "\(algorithm.name): \(error)")
        }
        let check = try #require(algorithms[0].relativeError)
        let other = Conv2d(weight: random.tensor([8, 6, 3, 3]), bias: random.tensor([8]), padding: 1)
        let wrong = other.algorithms(for: [[6, 13, 13]], activation: .relu)[0].make(workers)
        #expect(check(wrong, workers) > 0.01)
    }

    @Test func `nothing is measured while the pool has other work, and what was begun does not count`() throws {
        let workers = WorkerPool(threadCount: 2)
        let timings = AlgorithmTimings()
        let planner = Planner(
            network: try Network(inputShape: [1], chain: [("node", Choice())]), workers: workers,
            selector: AlgorithmSelector(timings: timings), batchLimit: 8)
        let (begun, release, ended) = (
            DispatchSemaphore(value: 0), DispatchSemaphore(value: 0), DispatchSemaphore(value: 0)
        )
        workers.submit(.normal) {
            begun.signal()
            release.wait()
            ended.signal()
        }
        begun.wait()
        #expect(workers.jobCountAtRest == nil)
        planner.measure(with: AlgorithmTuner(workers: workers, deadline: .now + .milliseconds(20)))
        #expect(timings.entries.isEmpty)
        #expect(Self.name(planner) == "cheap", "the estimates decide")
        release.signal()
        ended.wait()
        while workers.jobCountAtRest == nil {}
        #expect(workers.jobCountAtRest == 1)
        planner.measure(with: AlgorithmTuner(workers: workers, deadline: .now + .seconds(600)))
        #expect(timings.entries.count == 4, "two algorithms under two conditions")
    }

    @Test func `a run beside which a job was done is repeated`() throws {
        let workers = WorkerPool(threadCount: 2)
        let runs = Mutex(0)
        struct Disturbed: Inference.Operation {
            let name = "disturbed"
            let didRun: @Sendable () -> Void
            func run(_ run: OperationRun) { didRun() }
        }
        let algorithm = Algorithm(name: "disturbed", cost: 1) { _, _ in
            Disturbed {
                let isFirst = runs.withLock { count in
                    count += 1
                    return count == 1
                }
                guard isFirst else { return }
                let done = DispatchSemaphore(value: 0)
                workers.submit(.normal) { done.signal() }
                done.wait()
            }
        }
        let tuner = AlgorithmTuner(workers: workers, deadline: .now + .seconds(600))
        let seconds = tuner.measure(
            [algorithm, Self.algorithm("dear", cost: 100)], inputs: [.init(count: 1)], output: .init(count: 1),
            under: [.init(batchSize: 1, threadCount: 2)])
        #expect(seconds?.values.map { $0.keys.sorted() } == [["disturbed"]])
        #expect(runs.withLock { $0 } == 4, "three that count, and the one that does not")
    }

    /// An operation that takes as long as its tuning knob says.
    private struct Knob: Inference.Operation {
        let name = "knob"
        /// Units: milliseconds.
        var setting = 20
        /// The settings of all runs.
        let runs: @Sendable (Int) -> Void
        func variants(batchSize: Int) -> [any Inference.Operation] {
            batchSize == 1 ? [] : [40, 1].map { Knob(setting: $0, runs: runs) }
        }
        func run(_ run: OperationRun) {
            runs(setting)
            usleep(UInt32(setting) * 1000)
        }
    }

    @Test func `the value of a tuning knob is measured, and used for batches like the measured ones`() throws {
        struct Tunable: Layer {
            let runs: @Sendable (Int) -> Void
            func outputShape(for inputs: [Shape]) throws(ShapeError) -> Shape { [1] }
            func callAsFunction(_ inputs: [Tensor]) -> Tensor { inputs[0] }
            func workload(for inputs: [Shape]) -> String { "choice" }
            func algorithms(for inputs: [Shape], activation: Activation?) -> [Algorithm] {
                [Algorithm(Knob(runs: runs))]
            }
        }
        let settings = Mutex<[Int]>([])
        let timings = AlgorithmTimings()
        let workers = WorkerPool(threadCount: 2)
        let network = try Network(
            inputShape: [1], chain: [("node", Tunable { setting in settings.withLock { $0.append(setting) } })])
        func planner() -> Planner {
            Planner(
                network: network, workers: workers, selector: AlgorithmSelector(timings: timings), batchLimit: 8)
        }
        func setting(batchSize: Int, threadCount: Int) -> Int {
            planner().plan(batchSize: batchSize, threadCount: threadCount).steps[0].operation.setting
        }
        #expect(setting(batchSize: 8, threadCount: 1) == 20, "the default, as nothing was measured")
        planner().measure(with: AlgorithmTuner(workers: workers, deadline: .now + .seconds(600)))
        #expect(timings.entries.map(\.setting) == [1], "one image leaves no choice, so that it is not measured")
        // Two copies run side by side, as each thread runs its own images. What takes twice as long as the best is run once;
        // others take turns with the best three times.
        let runs = [(1, 6), (20, 6 + 2 + 6), (40, 2)].flatMap { Array(repeating: $0.0, count: $0.1) }
        #expect(settings.withLock { $0.sorted() } == runs)
        #expect(setting(batchSize: 8, threadCount: 1) == 1)
        #expect(setting(batchSize: 1, threadCount: 2) == 20)
    }

    @Test func `times outlive the process; a file that is damaged or of another machine counts as empty`() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = AlgorithmTimingFile(directory: folder.path, threadCount: 2)
        #expect(file.read().isEmpty)
        let entries = [Self.entry("cheap", 0.25), Self.entry("dear", 0.5, setting: 36)]
        file.write(entries)
        #expect(file.read() == entries)
        #expect(AlgorithmTimingFile(directory: folder.path, threadCount: 3).read().isEmpty)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        let path = folder.appendingPathComponent(try #require(names.first))
        let text = try String(contentsOf: path, encoding: .utf8)
        for damaged in [
            String(text.dropLast(20)), text.replacing("0.25", with: "-1").replacing("0.5", with: "0"), "[]",
            text.replacing("\"format\" : 8", with: "\"format\" : 7"), text.replacing("threads", with: "cores"),
        ] {
            try Data(damaged.utf8).write(to: path)
            #expect(file.read().isEmpty, "\(damaged)")
        }
    }

    @Test func `caches lie where the XDG specification has them`() {
        #expect(AlgorithmTimingFile.defaultDirectory(in: ["XDG_CACHE_HOME": "/c", "HOME": "/h"]) == "/c/alexnet")
        #expect(AlgorithmTimingFile.defaultDirectory(in: ["HOME": "/h"]) == "/h/.cache/alexnet")
        #expect(
            AlgorithmTimingFile.defaultDirectory(in: ["XDG_CACHE_HOME": "relative", "HOME": "/h"])
                == "/h/.cache/alexnet")
        #expect(AlgorithmTimingFile.defaultDirectory(in: [:]) == nil)
    }
}
