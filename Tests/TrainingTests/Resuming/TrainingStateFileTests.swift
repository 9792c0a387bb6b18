import Foundation
import Inference
import TestSupport
import Testing
import Threads

@testable import Training

@Suite(.timeLimit(.minutes(2))) struct TrainingStateFileTests {
    private struct Settings: Codable, Equatable {
        var model = "alexnet"
        var dropout = 0.1 + 0.2
    }

    /// A training of a few parameters, whose gradients come from a formula.
    private final class Run {
        let parameters = Parameters([("a.weight", [5, 3]), ("a.bias", [5]), ("b.weight", [2, 5])])
        let optimizer: any Optimizer
        let average: ExponentialMovingAverage?
        var state: TrainingState<Settings>
        private let workers = WorkerPool(threadCount: 1)

        init(_ kind: OptimizerSettings.Kind, isAveraging: Bool = true) throws {
            state = TrainingState(
                settings: Settings(), seed: .max, progress: TrainingProgress(), optimizer: OptimizerSettings(kind),
                schedule: try LearningRateSchedule(
                    .plateau(patience: 0, factor: 0.3), base: 0.1, warmupStepCount: 2, epochCount: 9, stepsPerEpoch: 2),
                history: History())
            optimizer = state.optimizer.makeOptimizer(count: parameters.count)
            Initialization.pytorch.fill(parameters, seed: 1, workers: workers)
            average = isAveraging ? ExponentialMovingAverage(of: parameters, decay: 0.9) : nil
        }

        func step() {
            var random = SplitMix64(
                seed: state.seed, purpose: .sample, state.progress.epoch, state.progress.step)
            for entry in parameters.entries {
                for index in entry.range { parameters.gradients[index] = Float(random.normal()) }
            }
            let rate = state.schedule.rate(at: optimizer.stepCount)
            let ranges = parameters.ranges { _ in true }
            optimizer.step(parameters, ranges: ranges, learningRate: rate, workers: workers)
            average?.update(with: parameters, ranges: ranges, workers: workers)
            state.progress.step += 1
            state.progress.lossSum += random.unit() / 3
            state.progress.imageCount += 7
            state.progress.correctCount += 3
            guard state.progress.step == 2 else { return }
            let row = HistoryRow(
                epoch: state.progress.epoch, trainLoss: state.progress.lossSum / 7, trainAccuracy: 1.0 / 3,
                validationLoss: 0.5, validationAccuracy: 0.1, learningRate: rate, imagesPerSecond: 12.3456, seconds: 1)
            state.history.append(row)
            state.schedule.endEpoch(validationLoss: 0.5)
            state.progress.bestAccuracy = 0.1
            state.progress.bestEpoch = 1
            state.progress.beginEpoch()
        }

        func write(to path: String) throws {
            try TrainingStateFile.write(state, parameters, optimizer: optimizer, movingAverage: average, to: path)
        }

        /// Every number there is, as bits.
        var bits: [UInt32] {
            let buffers =
                [parameters.values] + optimizer.state.map(\.values) + [average?.state.values].compactMap { $0 }
            return buffers.flatMap { $0.map(\.bitPattern) }
                + [UInt32(optimizer.stepCount), UInt32(average?.updateCount ?? 0)]
        }
    }

    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func expectError(
        _ path: String, _ isExpected: (TrainingStateError) -> Bool = { _ in true },
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(sourceLocation: sourceLocation) {
            let run = try Run(.adam)
            let file = try TrainingStateFile<Settings>(contentsOf: path)
            try file.restore(run.parameters, optimizer: run.optimizer, movingAverage: run.average)
        } throws: { error in
            guard let error = error as? TrainingStateError else { return false }
            return isExpected(error) && !"\(error)".contains("\n")
        }
    }

    @Test(arguments: OptimizerSettings.Kind.allCases, [true, false])
    func `a training goes on from its file as if it had never stopped, bit for bit`(
        _ kind: OptimizerSettings.Kind, isAveraging: Bool
    ) throws {
        let path = folder.path("last.state")
        let run = try Run(kind, isAveraging: isAveraging)
        for _ in 0..<5 { run.step() }
        try run.write(to: path)

        let file = try TrainingStateFile<Settings>(contentsOf: path)
        #expect(file.state == run.state)
        let resumed = try Run(kind, isAveraging: isAveraging)
        resumed.parameters.values.update(repeating: 0)
        resumed.state = file.state
        try file.restore(resumed.parameters, optimizer: resumed.optimizer, movingAverage: resumed.average)
        #expect(resumed.bits == run.bits)

        for _ in 0..<4 {
            run.step()
            resumed.step()
        }
        #expect(resumed.bits == run.bits)
        #expect(resumed.state == run.state)
        #expect(run.state.schedule.plateau.reductionCount == 3)
    }

    @Test func `the same training writes the same bytes, over what was there`() throws {
        let run = try Run(.adam)
        run.step()
        try run.write(to: folder.path("one"))
        try run.write(to: folder.path("two"))
        run.step()
        try run.write(to: folder.path("two"))
        #expect(folder.names == ["one", "two"])
        let twice = try Run(.adam)
        twice.step()
        try twice.write(to: folder.path("three"))
        let read = { (name: String) in try Data(contentsOf: URL(fileURLWithPath: folder.path(name))) }
        #expect(try read("one") == read("three"))
        #expect(try read("one") != read("two"))
    }

    @Test func `a file cut off anywhere is refused, and the old numbers stay`() throws {
        let run = try Run(.adam)
        run.step()
        try run.write(to: folder.path("whole"))
        let whole = try Data(contentsOf: URL(fileURLWithPath: folder.path("whole")))
        let path = folder.path("cut")
        for count in Array(0..<200) + Array(stride(from: 200, to: whole.count, by: 7)) + [whole.count - 1] {
            try whole.prefix(count).write(to: URL(fileURLWithPath: path))
            expectError(path)
        }
        try (whole + [0]).write(to: URL(fileURLWithPath: path))
        expectError(path)
    }

    @Test func `no file, another file and a plain checkpoint are refused in a sentence`() throws {
        expectError(folder.path("none")) { if case .unreadable = $0 { true } else { false } }
        try Data("hello".utf8).write(to: URL(fileURLWithPath: folder.path("text")))
        expectError(folder.path("text")) { if case .unreadable(_, .unknownFormat) = $0 { true } else { false } }
        let tensors = [(name: "values/a.weight", tensor: Tensor([1], scalars: [1]))]
        for format in [Checkpoint.Format.safetensors, .pytorch] {
            try CheckpointWriter.write(tensors, to: folder.path("weights"), format: format)
            expectError(folder.path("weights")) { $0 == .foreign(file: folder.path("weights")) }
        }
        #expect(
            "\(TrainingStateError.foreign(file: "x"))"
                == "x is a checkpoint, but not the state of a training that can be resumed")
    }

    /// A file like the one of a run, with its header or its tensors changed.
    private func writeChanged(
        header changeHeader: (String) -> String = { $0 },
        tensors changeTensors: ([WritableTensor]) -> [WritableTensor] = { $0 }
    ) throws -> String {
        let run = try Run(.adam)
        for _ in 0..<3 { run.step() }
        let path = folder.path("changed")
        try run.write(to: path)
        let checkpoint = try Checkpoint(contentsOf: path)
        let tensors = checkpoint.tensors.map { WritableTensor(name: $0.name, stored: $0.tensor) }
        try CheckpointWriter.write(
            changeTensors(tensors), to: path, format: .safetensors,
            metadata: checkpoint.metadata.mapValues(changeHeader))
        return path
    }

    @Test(arguments: [
        (#""version":1"#, #""version":2"#), (#""stepCount":3"#, #""stepCount":-1"#),
        (#""stepCount":3"#, #""stepCount":1e300"#), (#""stepCount":3"#, #""stepCount":9223372036854775807"#),
        (#""averageUpdateCount":3"#, #""averageUpdateCount":9223372036854775807"#), (#""stepCount":3,"#, ""),
        (#""seed":18446744073709551615"#, #""seed":-1"#), (#""seed":18446744073709551615"#, #""seed":null"#),
        (#""kind":"adam""#, #""kind":"adamant""#), (#""beta1":0.9"#, #""beta1":1.9"#),
        (#""stepsPerEpoch":2"#, #""stepsPerEpoch":0"#), (#""patience":0"#, #""patience":-1"#),
        (#""reductionCount":0"#, #""reductionCount":-1"#), (#""correctCount":3"#, #""correctCount":-1"#),
        (#""bestEpoch":1"#, #""bestEpoch":3"#), (#""bestAccuracy":0.1"#, #""bestAccuracy":1.1"#),
        (#""imageCount":7"#, #""imageCount":"seven""#), (#""seconds":0"#, #""seconds":-1"#),
        (#""model":"alexnet""#, #""model":7"#), (#"{""#, #"[""#), (#"}"#, ""),
        (#""epoch":1"#, #""epoch":9"#),
    ])
    func `a header that makes no sense is refused in a sentence`(_ from: String, _ to: String) throws {
        let path = try writeChanged {
            #expect($0.contains(from), "\($0)")
            return $0.replacingOccurrences(of: from, with: to)
        }
        expectError(path) { error in
            switch error {
            case .invalidHeader, .unsupportedVersion: true
            default: false
            }
        }
    }

    @Test func `a header of brackets is refused without a crash`() throws {
        let path = try writeChanged { _ in String(repeating: "[", count: 100_000) }
        expectError(path) { if case .invalidHeader = $0 { true } else { false } }
    }

    @Test func `tensors that are missing, left over, misshapen, narrow or not finite are refused by name`() throws {
        var path = try writeChanged(tensors: { $0.filter { $0.name != "exp_avg/a.bias" } })
        expectError(path) { if case .unreadable(_, .missingTensor("exp_avg/a.bias", _)) = $0 { true } else { false } }

        let extra = WritableTensor(name: "values/c.weight", tensor: Tensor([1], scalars: [1]), scalarType: .float32)
        path = try writeChanged(tensors: { $0 + [extra] })
        expectError(path) { $0 == .unexpectedTensor(file: path, name: "values/c.weight") }

        for (values, scalarType) in [
            ([Float](repeating: 1, count: 6), ScalarType.float32), ([1, 1, 1, 1, 1], .float16),
        ] {
            let tensor = WritableTensor(
                name: "values/a.bias", tensor: Tensor([values.count], scalars: values), scalarType: scalarType)
            path = try writeChanged(tensors: { $0.filter { $0.name != tensor.name } + [tensor] })
            expectError(path) { error in
                switch error {
                case .unreadable(_, .shapeMismatch("values/a.bias", [6], [5])): scalarType == .float32
                case .wrongScalarType(_, "values/a.bias", "float16"): scalarType == .float16
                default: false
                }
            }
        }

        let infinite = WritableTensor(
            name: "average/a.bias", tensor: Tensor([5], scalars: [1, 1, .nan, 1, 1]), scalarType: .float32)
        path = try writeChanged(tensors: { $0.filter { $0.name != infinite.name } + [infinite] })
        expectError(path) {
            if case .unreadable(_, .nonFinite("average/a.bias", 2, _)) = $0 { true } else { false }
        }
    }

    @Test func `another optimiser, network or averaging is told apart, and nothing is half restored`() throws {
        let path = folder.path("last.state")
        let run = try Run(.adam)
        run.step()
        try run.write(to: path)
        let file = try TrainingStateFile<Settings>(contentsOf: path)
        for other in [try Run(.sgd), try Run(.momentum), try Run(.adam, isAveraging: false)] {
            let before = other.bits
            #expect(throws: TrainingStateError.self) {
                try file.restore(other.parameters, optimizer: other.optimizer, movingAverage: other.average)
            }
            #expect(other.bits == before)
        }
        let small = Parameters([("a.weight", [5, 3])])
        #expect(throws: TrainingStateError.self) {
            try file.restore(small, optimizer: Adam(count: small.count), movingAverage: nil)
        }
    }

    @Test func `numbers that could not be resumed from are not written over those that can`() throws {
        let path = folder.path("last.state")
        let run = try Run(.adam)
        run.step()
        try run.write(to: path)
        let bits = run.bits
        let buffers = [run.parameters.values, run.optimizer.state[1].values, try #require(run.average).state.values]
        for values in buffers {
            let value = values[3]
            values[3] = .infinity
            #expect {
                try run.write(to: path)
            } throws: { error in
                if case TrainingStateError.notFinite(path, .nonFinite(_, 3, _)) = error { true } else { false }
            }
            values[3] = value
        }
        run.state.progress.lossSum = .nan
        #expect(throws: TrainingStateError.self) { try run.write(to: path) }
        let file = try TrainingStateFile<Settings>(contentsOf: path)
        try file.restore(run.parameters, optimizer: run.optimizer, movingAverage: run.average)
        #expect(run.bits == bits)
    }

    @Test func `where it cannot be written, the old file stays`() throws {
        let run = try Run(.adam)
        #expect(throws: TrainingStateError.self) { try run.write(to: folder.path("no/such/folder")) }
        try FileManager.default.createDirectory(atPath: folder.path("taken"), withIntermediateDirectories: false)
        #expect(throws: TrainingStateError.self) { try run.write(to: folder.path("taken")) }
        #expect(folder.names == ["taken"])
    }
}
