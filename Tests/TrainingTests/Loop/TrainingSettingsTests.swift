import Testing

@testable import Training

@Suite(.timeLimit(.minutes(2))) struct TrainingDefaultsTests {
    @Test func `Adam's rate is smaller for the wide networks, and the others' are PyTorch's`() {
        for kind in [OptimizerSettings.Kind.adam, .adamw] {
            #expect(TrainingDefaults.learningRate(kind, architecture: "alexnet_half_width") == 2e-4)
            for name in ["alexnet", "alexnet_2012", "alexnet_one_channel"] {
                #expect(TrainingDefaults.learningRate(kind, architecture: name) == 1e-4)
            }
        }
        for kind in [OptimizerSettings.Kind.sgd, .momentum, .nesterov, .adagrad] {
            #expect(TrainingDefaults.learningRate(kind, architecture: "alexnet") == kind.learningRate)
        }
    }

    @Test(arguments: [
        (1, 1), (7, 7), (8, 8), (159, 8), (160, 16), (319, 16), (320, 32), (639, 32), (640, 64), (60_000, 64),
    ])
    func `few images make small batches, so that an epoch has steps`(imageCount: Int, expected: Int) {
        #expect(TrainingDefaults.batchSize(imageCount: imageCount, isRateGiven: false) == expected)
        // A rate that somebody chose is for the usual batch.
        #expect(TrainingDefaults.batchSize(imageCount: imageCount, isRateGiven: true) == min(64, imageCount))
    }
}
