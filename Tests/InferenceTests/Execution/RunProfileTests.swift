import ModelTestSupport
import Testing
import Threads

@testable import Inference

@Suite("Profiles of runs", .timeLimit(.minutes(2)))
struct RunProfileTests {
    private static func step(
        multiplyAdds: Int, bytes: Int, productType: ProductType = .float32, duration: Duration = .milliseconds(4)
    ) -> RunProfile.Step {
        RunProfile.Step(
            node: "layer", algorithm: "any", multiplyAddCount: 3 * multiplyAdds,
            performedMultiplyAddCount: multiplyAdds, productType: productType,
            weightByteCount: bytes, duration: duration)
    }

    /// A machine of 100 GFLOP/s, 400 GOP/s on bytes, 200 GOP/s on 16-bit integers, and 10 GB/s.
    private static let rates = MachineSpeed.Rates(
        float32OperationsPerSecond: 1e11, int8OperationsPerSecond: 4e11, int16OperationsPerSecond: 2e11,
        bytesPerSecond: 1e10)

    @Test func `a step is bound by arithmetic or by memory, whichever takes longer`() {
        // 0.2 GFLOP take 2 ms, 10 MB take 1 ms.
        let heavy = Self.step(multiplyAdds: 100_000_000, bytes: 10_000_000).bound(on: Self.rates)
        #expect(heavy == .init(limit: .arithmetic, share: 0.5))
        // The same in bytes take 0.5 ms, and the memory limits.
        let bytes = Self.step(multiplyAdds: 100_000_000, bytes: 10_000_000, productType: .int8)
        #expect(bytes.bound(on: Self.rates) == .init(limit: .memory, share: 0.25))
        // As 16-bit integers they take 1 ms.
        let wide = Self.step(multiplyAdds: 100_000_000, bytes: 5_000_000, productType: .int16)
        #expect(wide.bound(on: Self.rates) == .init(limit: .arithmetic, share: 0.25))
        // 0.02 GFLOP take 0.2 ms, 40 MB take 4 ms.
        let large = Self.step(multiplyAdds: 10_000_000, bytes: 40_000_000).bound(on: Self.rates)
        #expect(large == .init(limit: .memory, share: 1))
        #expect(Self.step(multiplyAdds: 0, bytes: 0).bound(on: Self.rates) == nil)
        #expect(Self.step(multiplyAdds: 1, bytes: 1, duration: .zero).bound(on: Self.rates) == nil)
    }

    @Test func `a profile counts what algorithms perform, and the weights once for each run`() throws {
        var random = RandomValues(seed: 3)
        let layers: [(String, any Layer)] = [
            ("conv", Conv2d(weight: random.tensor([16, 16, 3, 3]), bias: random.tensor([16]), padding: 1)),
            ("pool", MaxPool2d(kernelSize: 2, stride: 2)),
            ("flatten", Flatten()),
            ("linear", Linear(weight: random.tensor([10, 16 * 6 * 6]), bias: random.tensor([10]))),
        ]
        let engine = Engine(
            network: try Network(inputShape: [16, 12, 12], chain: layers), workers: WorkerPool(threadCount: 1),
            selector: AlgorithmSelector(overrides: ["conv": "winograd-4x4"]))
        let steps = engine.profile(batchSize: 2).steps
        #expect(steps.map(\.node) == ["conv", "pool", "flatten", "linear"])
        // Nine tiles of 6×6 elements, for 144 outputs of nine taps.
        #expect(steps[0].multiplyAddCount == 2 * 144 * 9 * 16 * 16)
        #expect(steps[0].performedMultiplyAddCount == 2 * 9 * 36 * 16 * 16)
        #expect(steps[1].performedMultiplyAddCount == 0 && steps[1].weightByteCount == 0)
        #expect(steps[3].performedMultiplyAddCount == 2 * 10 * 576)
        // One panel of 32 outputs and its scales, read once for both images.
        #expect(steps[3].weightByteCount == (576 + 1) * 32 * 4)
    }

    @Test func `the limits of this machine are measured, for one thread and for all`() {
        let speed = MachineSpeed.measured(on: WorkerPool(threadCount: 2))
        for rates in [speed.oneThread, speed.allThreads] {
            #expect(rates.float32OperationsPerSecond > 1e8 && rates.float32OperationsPerSecond < 1e13)
            #expect(rates.int8OperationsPerSecond > 1e8 && rates.int8OperationsPerSecond < 1e14)
            #expect(rates.bytesPerSecond > 1e7 && rates.bytesPerSecond < 1e13)
        }
    }
}
