import Foundation
import Inference
import ModelTestSupport
import TestSupport
import Testing
import Threads

@testable import Training

@Suite(.timeLimit(.minutes(2))) struct EvaluatorTests {
    /// Images of plain colours; every third is corrupt where that is wanted.
    private struct Colours: Dataset {
        var classNames = ["class 0", "class 1", "class 2"]
        var count = 10
        var isCorrupt: @Sendable (Int) -> Bool = { _ in false }

        func label(at index: Int) -> Int { index % classNames.count }
        func name(at index: Int) -> String { "image \(index)" }

        func image(at index: Int) throws(DatasetError) -> PixelImage {
            if isCorrupt(index) { throw .image(name: name(at: index), .empty) }
            return PixelImage(
                width: 2, height: 1, channelCount: 3,
                pixels: [UInt8(index * 25), 0, 255, 90, UInt8(255 - index * 25), UInt8(index)])
        }
    }

    private let workers = WorkerPool(threadCount: 2)
    private let model: Model
    private let folder: TinyModel

    init() throws {
        folder = try TinyModel()
        model = try ModelLoader(workers: workers).load(try ModelFiles(folder: folder.folder.path))
    }

    /// The same, image by image.
    private func expected(_ data: Colours, _ indices: some Sequence<Int>) throws -> Evaluation {
        var evaluation = Evaluation(classCount: 3)
        for index in indices {
            let input = model.preprocessing(try data.image(at: index))
            evaluation.add(logits: model.logits([input])[0], label: data.label(at: index))
        }
        return evaluation
    }

    @Test(arguments: [1, 3, 10, 64])
    func `batches of any size come to what the images come to one by one`(_ batchSize: Int) throws {
        let data = Colours()
        var done = 0
        let result = try Evaluator(model: model, workers: workers, batchSize: batchSize, worstCount: 4)
            .run(on: data) { done += $0 }
        let expected = try expected(data, 0..<10)
        #expect(done == 10)
        #expect(result.evaluation.confusion == expected.confusion)
        #expect(abs(result.evaluation.loss - expected.loss) < 1e-5)
        #expect(result.worst.mistakes.count == min(4, 10 - expected.confusion.correctCount))
        #expect(result.skipped.isEmpty)
    }

    @Test func `images that cannot be read are named and left out`() throws {
        let data = Colours(isCorrupt: { $0 % 3 == 1 })
        let result = try Evaluator(model: model, workers: workers, batchSize: 4).run(on: data)
        #expect(result.evaluation.confusion == (try expected(data, [0, 2, 3, 5, 6, 8, 9])).confusion)
        #expect(
            result.skipped == [1, 4, 7].map { .image(name: "image \($0)", .empty) })
    }

    @Test(arguments: [(1, [0]), (4, [0, 2, 5, 7]), (10, Array(0..<10))])
    func `a limit takes images from everywhere`(_ limit: Int, _ indices: [Int]) throws {
        let data = Colours()
        let result = try Evaluator(model: model, workers: workers).run(on: data, limit: limit)
        #expect(result.evaluation.confusion == (try expected(data, indices)).confusion)
        #expect(result.evaluation.count == indices.count)
    }

    @Test func `several views of an image count as one answer, the mean of their probabilities`() throws {
        let data = Colours()
        let preprocessing = model.preprocessing
        let twice = try Evaluator(model: model, workers: workers, batchSize: 3) { [preprocessing] in
            [preprocessing($0), preprocessing($0)]
        }.run(on: data)
        let once = try expected(data, 0..<10)
        #expect(twice.evaluation.confusion == once.confusion)
        #expect(abs(twice.evaluation.loss - once.loss) < 1e-5)
    }

    @Test func `data without an image that can be read, and data of another model, are refused`() throws {
        let evaluator = Evaluator(model: model, workers: workers)
        #expect(throws: EvaluationError.noImages(skippedCount: 0)) { try evaluator.run(on: Colours(count: 0)) }
        #expect(throws: EvaluationError.noImages(skippedCount: 10)) {
            try evaluator.run(on: Colours(isCorrupt: { _ in true }))
        }
        #expect(throws: EvaluationError.self) { try evaluator.run(on: Colours(classNames: ["a", "b", "c"])) }
    }

    @Test func `the report says everything, in tables and in JSON`() throws {
        let data = Colours(isCorrupt: { $0 == 0 })
        let result = try Evaluator(model: model, workers: workers, worstCount: 2).run(on: data)
        let report = EvaluationReport(
            subject: .init(model: "tiny", version: "abc", data: "colours", tenCrop: false, inverted: true),
            classNames: model.classes.names, result: result)
        let text = report.text
        #expect(text.hasPrefix("tiny (abc) on colours, colours inverted\nimages    9, and 1 that could not be read\n"))
        #expect(!text.contains("top-5"))
        #expect(text.contains("class    precision     recall         F1     images\n"))
        #expect(text.contains("worst mistakes\n"))

        let json = try #require(
            try JSONSerialization.jsonObject(with: JSONEncoder().encode(report)) as? [String: Any])
        #expect(json["pictures"] as? Int == 9)
        #expect((json["confusion"] as? [[Int]])?.flatMap(\.self).reduce(0, +) == 9)
        #expect(
            (json["classes"] as? [[String: Any]])?.map { $0["class"] as? String } == ["class 0", "class 1", "class 2"])
        #expect((json["mistakes"] as? [Any])?.count == 2)
        #expect((json["skipped"] as? [String])?.count == 1)
        #expect((json["subject"] as? [String: Any])?["inverted"] as? Bool == true)
        // Keys are there even where there is no number.
        let classes = try #require(json["classes"] as? [[String: Any]])
        #expect(classes.allSatisfy { $0.keys.contains("precision") && $0.keys.contains("f1") })
    }
}
