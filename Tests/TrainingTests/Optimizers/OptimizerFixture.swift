import Inference

@testable import Training

/// One row of `Fixtures/Optimizers/optimizers.json`: what `torch.optim` makes of parameters in twenty steps.
struct OptimizerFixture: Decodable, CustomStringConvertible, Sendable {
    let kind: OptimizerSettings.Kind
    /// A tenth of it from the eleventh step on.
    let learningRate: Double
    /// What differs from the defaults.
    let settings: [String: Double]
    /// By the number of steps taken.
    let values: [String: [Float]]
    /// After the last step, by PyTorch's names.
    let state: [String: [Float]]

    static let all = (try? FixtureFile.decode([Self].self, from: "Optimizers/optimizers.json")) ?? []
    static let stepCount = 20
    static let parameterCount = 131

    var description: String { "\(kind) \(settings)" }

    var optimizerSettings: OptimizerSettings {
        var result = OptimizerSettings(kind)
        if let momentum = settings["momentum"] { result.momentum = momentum }
        if let weightDecay = settings["weightDecay"] { result.weightDecay = weightDecay }
        if let rateDecay = settings["rateDecay"] { result.rateDecay = rateDecay }
        if let beta1 = settings["beta1"] { result.beta1 = beta1 }
        if let beta2 = settings["beta2"] { result.beta2 = beta2 }
        if let epsilon = settings["epsilon"] { result.epsilon = epsilon }
        return result
    }

    /// The numbers of `make.py`.
    struct Sequence {
        private var state: UInt32 = 1

        mutating func next() -> Float {
            state = state &* 1_664_525 &+ 1_013_904_223
            return Float(state >> 8) * 0x1p-23 - 1
        }

        mutating func fillValues(_ values: UnsafeMutableBufferPointer<Float>, count: Int = parameterCount) {
            for index in 0..<count { values[index] = next() }
        }

        mutating func fillGradients(_ gradients: UnsafeMutableBufferPointer<Float>, count: Int = parameterCount) {
            for index in 0..<count { gradients[index] = next() / Float(1 << (index % 13)) }
        }
    }
}
