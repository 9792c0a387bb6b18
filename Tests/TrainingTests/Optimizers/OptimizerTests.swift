import Host
import Inference
import Testing
import Threads

@testable import Training

@Suite(.timeLimit(.minutes(2))) struct OptimizerTests {
    @Test(
        arguments: OptimizerFixture.all,
        InstructionSet.allCases)
    func `twenty steps are PyTorch's, with each instruction set`(
        _ fixture: OptimizerFixture, instructions: InstructionSet
    ) throws {
        InstructionSet.limit(to: instructions)
        defer { InstructionSet.limit(to: .widest) }
        let count = OptimizerFixture.parameterCount
        let parameters = Parameters([("a.weight", [count])])
        let optimizer = fixture.optimizerSettings.makeOptimizer(count: parameters.count)
        let workers = WorkerPool(threadCount: 2)
        var sequence = OptimizerFixture.Sequence()
        sequence.fillValues(parameters.values)
        for step in 1...OptimizerFixture.stepCount {
            sequence.fillGradients(parameters.gradients)
            optimizer.step(
                parameters, ranges: parameters.ranges { _ in true },
                learningRate: fixture.learningRate * (step <= 10 ? 1 : 0.1), workers: workers)
            if let expected = fixture.values["\(step)"] {
                #expect(difference(parameters.values, expected) <= 1e-6, "step \(step)")
            }
        }
        #expect(optimizer.stepCount == OptimizerFixture.stepCount)
        #expect(Set(optimizer.state.map(\.name)) == Set(fixture.state.keys))
        for buffer in optimizer.state {
            #expect(difference(buffer.values, try #require(fixture.state[buffer.name])) <= 1e-6, "\(buffer.name)")
        }
        #expect(parameters.values[count...].allSatisfy { $0 == 0 })
    }

    /// The largest difference relative to the largest value.
    private func difference(_ found: UnsafeMutableBufferPointer<Float>, _ expected: [Float]) -> Float {
        let scale = expected.reduce(0) { max($0, abs($1)) }
        return zip(found, expected).reduce(0) { max($0, abs($1.0 - $1.1).isNaN ? .infinity : abs($1.0 - $1.1)) } / scale
    }

    @Test func `there is a fixture of every kind of optimiser`() {
        #expect(Set(OptimizerFixture.all.map(\.kind)) == Set(OptimizerSettings.Kind.allCases))
        #expect(OptimizerFixture.all.count == 12)
    }

    @Test(arguments: OptimizerSettings.Kind.allCases)
    func `only the parameters asked for move, and gaps stay zero`(_ kind: OptimizerSettings.Kind) {
        let parameters = Parameters([("a.weight", [20]), ("b.weight", [17]), ("c.weight", [5])])
        let optimizer = OptimizerSettings(kind).makeOptimizer(count: parameters.count)
        for entry in parameters.entries {
            for index in entry.range {
                parameters.values[index] = 1
                parameters.gradients[index] = 1
            }
        }
        let ranges = parameters.ranges { $0.name != "b.weight" }
        #expect(ranges == [0..<20, 64..<69])
        optimizer.step(parameters, ranges: ranges, learningRate: 0.1, workers: WorkerPool(threadCount: 1))
        for index in parameters.values.indices {
            let isMoved = ranges.contains { $0.contains(index) }
            let isGap = !parameters.entries.contains { $0.range.contains(index) }
            #expect(isGap ? parameters.values[index] == 0 : (parameters.values[index] != 1) == isMoved)
        }
    }

    @Test(arguments: OptimizerSettings.Kind.allCases)
    func `the result depends on the number of threads and the block's seams not at all`(
        _ kind: OptimizerSettings.Kind
    ) throws {
        let count = 2 * ParameterBlocks.blockExtent + 7
        var results: [[Float]] = []
        for threadCount in [1, 2, 3] {
            let parameters = Parameters([("a.weight", [count])])
            var sequence = OptimizerFixture.Sequence()
            sequence.fillValues(parameters.values, count: count)
            var settings = OptimizerSettings(kind)
            settings.weightDecay = 0.01
            let optimizer = settings.makeOptimizer(count: parameters.count)
            // One stretch and two that meet within a block give the same.
            let ranges = threadCount == 3 ? [0..<1000, 1000..<count] : [0..<count]
            for _ in 0..<3 {
                sequence.fillGradients(parameters.gradients, count: count)
                optimizer.step(
                    parameters, ranges: ranges, learningRate: 0.1, workers: WorkerPool(threadCount: threadCount))
            }
            results.append(Array(parameters.values))
        }
        #expect(results[1] == results[0])
        #expect(results[2] == results[0])
    }

    @Test(arguments: OptimizerSettings.Kind.allCases)
    func `a gradient's scale is that of gradients scaled beforehand`(_ kind: OptimizerSettings.Kind) {
        let count = OptimizerFixture.parameterCount
        var results: [[Float]] = []
        for isScaledBefore in [true, false] {
            let parameters = Parameters([("a.weight", [count])])
            let optimizer = OptimizerSettings(kind).makeOptimizer(count: parameters.count)
            var sequence = OptimizerFixture.Sequence()
            sequence.fillValues(parameters.values)
            sequence.fillGradients(parameters.gradients)
            if isScaledBefore { for index in 0..<count { parameters.gradients[index] *= 0.25 } }
            optimizer.step(
                parameters, ranges: [0..<count], learningRate: 0.1, gradientScale: isScaledBefore ? 1 : 0.25,
                workers: WorkerPool(threadCount: 1))
            results.append(Array(parameters.values))
        }
        #expect(results[0] == results[1])
    }

    @Test(arguments: OptimizerSettings.Kind.allCases)
    func `a step count and its buffers continue bit for bit`(_ kind: OptimizerSettings.Kind) {
        let count = OptimizerFixture.parameterCount
        let workers = WorkerPool(threadCount: 1)
        let parameters = Parameters([("a.weight", [count])])
        var optimizer = OptimizerSettings(kind).makeOptimizer(count: parameters.count)
        var sequence = OptimizerFixture.Sequence()
        sequence.fillValues(parameters.values)
        let other = Parameters([("a.weight", [count])])
        for step in 0..<6 {
            sequence.fillGradients(parameters.gradients)
            if step == 3 {
                let resumed = OptimizerSettings(kind).makeOptimizer(count: parameters.count)
                resumed.stepCount = optimizer.stepCount
                for (to, from) in zip(resumed.state, optimizer.state) { _ = to.values.update(from: from.values) }
                _ = other.values.update(from: parameters.values)
                optimizer.step(parameters, ranges: [0..<count], learningRate: 0.1, workers: workers)
                _ = other.gradients.update(from: parameters.gradients)
                resumed.step(other, ranges: [0..<count], learningRate: 0.1, workers: workers)
                #expect(Array(other.values) == Array(parameters.values))
                optimizer = resumed
            } else {
                optimizer.step(parameters, ranges: [0..<count], learningRate: 0.1, workers: workers)
            }
        }
        #expect(optimizer.stepCount == 6)
    }

    @Test func `no parameter to move is no step's worth of work, and still a step`() {
        let parameters = Parameters([("a.weight", [3])])
        let optimizer = Adam(count: parameters.count)
        optimizer.step(parameters, ranges: [], learningRate: 0.1, workers: WorkerPool(threadCount: 2))
        #expect(optimizer.stepCount == 1)
    }
}

@Suite(.timeLimit(.minutes(2))) struct OptimizerSettingsTests {
    @Test func `the defaults are PyTorch's`() {
        #expect(OptimizerSettings.Kind.allCases.map(\.learningRate) == [1e-3, 1e-3, 1e-3, 1e-2, 1e-3, 1e-3])
        #expect(OptimizerSettings(.adam).weightDecay == 0)
        #expect(OptimizerSettings(.adamw).weightDecay == 0.01)
        #expect(OptimizerSettings(.adam).epsilon == 1e-8)
        #expect(OptimizerSettings(.adagrad).epsilon == 1e-10)
        for kind in OptimizerSettings.Kind.allCases {
            #expect(throws: Never.self) { try OptimizerSettings(kind).validate() }
        }
    }

    @Test func `numbers that no training works with are refused in a sentence`() {
        let broken: [(WritableKeyPath<OptimizerSettings, Double>, Double)] = [
            (\.momentum, 1), (\.momentum, -0.1), (\.beta1, 1), (\.beta1, .nan), (\.beta2, 1), (\.beta2, -1),
            (\.weightDecay, -1e-9), (\.weightDecay, 1), (\.weightDecay, .infinity), (\.rateDecay, -1), (\.epsilon, 0),
            (\.epsilon, 1.1), (\.epsilon, .nan),
        ]
        for (path, value) in broken {
            var settings = OptimizerSettings(.adam)
            settings[keyPath: path] = value
            #expect(throws: HyperparameterError.self) { try settings.validate() }
        }
        var settings = OptimizerSettings(.nesterov)
        settings.momentum = 0
        #expect(throws: HyperparameterError.self) { try settings.validate() }
        settings.momentum = 1.5
        #expect {
            try settings.validate()
        } throws: { error in
            "\(error)" == "the momentum is 1.5, but a number from 0.0 to below 1.0 is expected"
        }
    }
}
