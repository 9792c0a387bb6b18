import Inference
import ModelTestSupport
import TestSupport
import Testing
import Threads

@testable import Training

@Suite(.timeLimit(.minutes(2))) struct ModelComparisonTests {
    /// Images of plain colours; every third can be corrupt.
    private struct Colours: Dataset {
        let classNames = ["class 0", "class 1", "class 2"]
        let count = 30
        var hasCorrupt = false

        func label(at index: Int) -> Int { index % classNames.count }
        func name(at index: Int) -> String { "image \(index)" }

        func image(at index: Int) throws(DatasetError) -> PixelImage {
            if hasCorrupt, index % 3 == 0 { throw .image(name: name(at: index), .empty) }
            return PixelImage(
                width: 1, height: 1, channelCount: 3,
                pixels: [UInt8(index * 8), UInt8(255 - index * 8), UInt8(index * 71 % 256)])
        }
    }

    private let workers = WorkerPool(threadCount: 2)

    private func model(seed: UInt64) throws -> Model {
        let tiny = try TinyModel(seed: seed)
        return try ModelLoader(workers: workers).load(try ModelFiles(folder: tiny.folder.path))
    }

    @Test func `a model agrees with itself`() throws {
        let model = try model(seed: 1)
        let data = Colours()
        let mapping = try LabelMapping(dataClasses: data.classNames, modelClasses: model.classes.names)
        let comparison = ModelComparison(model, model, on: data, mapping: mapping, workers: workers)
        #expect(comparison.imageCount == 30)
        #expect(comparison.agreement == 1)
        #expect(comparison.largestDifference == 0)
        #expect(comparison.meanDifference == 0)
        let evaluation = try Evaluator(model: model, workers: workers).run(on: data).evaluation
        #expect(comparison.accuracies?.original == evaluation.top1)
        #expect(comparison.accuracies?.other == evaluation.top1)
    }

    @Test func `two models differ by what their answers differ, image by image`() throws {
        let (first, second) = (try model(seed: 1), try model(seed: 2))
        let data = Colours()
        var (agreed, largest, sum) = (0, 0.0, 0.0)
        for index in 0..<data.count {
            let input = first.preprocessing(try data.image(at: index))
            let answers = [first, second].map { Softmax.probabilities(of: $0.logits([input])[0]) }
            if answers[0].firstIndex(of: answers[0].max() ?? 0) == answers[1].firstIndex(of: answers[1].max() ?? 0) {
                agreed += 1
            }
            for (p, q) in zip(answers[0], answers[1]) {
                largest = max(largest, Double(abs(p - q)))
                sum += Double(abs(p - q))
            }
        }
        let comparison = ModelComparison(first, second, on: data, mapping: nil, workers: workers)
        #expect(comparison.agreedCount == agreed)
        #expect(abs(comparison.largestDifference - largest) < 1e-5)
        #expect(abs(comparison.meanDifference - sum / 90) < 1e-5)
        #expect(comparison.largestDifference > 1e-4)
        #expect(comparison.accuracies == nil)
    }

    @Test func `images that cannot be read are left out, and a sample is evenly spaced`() throws {
        let model = try model(seed: 1)
        var done = 0
        let comparison = ModelComparison(
            model, model, on: Colours(hasCorrupt: true), mapping: nil, workers: workers
        ) { done += $0 }
        #expect(comparison.imageCount == 20)
        #expect(done == 30)
        #expect(ModelComparison(model, model, on: Colours(), mapping: nil, limit: 7, workers: workers).imageCount == 7)
    }
}
