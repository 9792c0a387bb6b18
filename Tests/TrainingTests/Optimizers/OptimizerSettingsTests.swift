import Testing
import Training

@Suite struct OptimizerSettingsTests {
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
            "\(error)" == "the momentum is 1.5 where a number from 0.0 to below 1.0 is expected"
        }
    }
}
