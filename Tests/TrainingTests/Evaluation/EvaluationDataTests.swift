import Foundation
import TestSupport
import Testing

@testable import Training

/// What is measured of data that a model was trained on.
@Suite(.timeLimit(.minutes(2))) struct EvaluationDataTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func fill(_ place: String, _ counts: [(String, Int)]) throws {
        for (name, count) in counts {
            for index in 0..<count { try folder.write(TestPicture.png, to: "\(place)\(name)/\(index).png") }
        }
    }

    private func record(_ source: DataSource, split: Double? = nil, seed: UInt64 = 0) throws -> TrainingRecord {
        TrainingRecord(
            data: source.path, dataDigest: try source.load(validationSplit: split, seed: seed).digest,
            validationSplit: split, seed: seed)
    }

    private func names(_ data: any Dataset) -> [String] { (0..<data.count).map(data.name) }

    @Test(arguments: [(nil, 0), (nil, 3), (0.5, 0), (0.3, 7)] as [(Double?, UInt64)])
    func `of the data that it was trained on, what was held out is measured`(split: Double?, seed: UInt64) throws {
        try fill("data/", [("a", 20), ("b", 20)])
        let source = try DataSource(folder.path("data"))
        let parts = try source.load(validationSplit: split, seed: seed)
        let record = try record(source, split: split, seed: seed)
        let found = try source.evaluation(of: record)
        #expect(names(found.dataset) == names(parts.validation))
        #expect(found.origin == .heldOut(trainedCount: parts.training.count))
        #expect(found.origin.trainedCount == 0)
        #expect(try #require(found.note).contains("only the \(parts.validation.count) that were held out"))
        let all = try source.evaluation(of: record, includesTrained: true)
        #expect(all.dataset.count == 40)
        #expect(all.origin == .trained(count: parts.training.count))
        #expect(try #require(all.note).hasPrefix("The model was trained on \(parts.training.count) of these 40 images"))
        // Wherever they lie.
        try FileManager.default.moveItem(atPath: folder.path("data"), toPath: folder.path("moved"))
        let moved = try DataSource(folder.path("moved")).evaluation(of: record)
        #expect(moved.origin == .heldOut(trainedCount: parts.training.count))
    }

    @Test func `of other data all is measured, and nothing is claimed`() throws {
        try fill("data/", [("a", 10), ("b", 10)])
        try fill("other/", [("a", 10), ("b", 9)])
        let (source, other) = (try DataSource(folder.path("data")), try DataSource(folder.path("other")))
        for record in [nil, try record(other)] {
            for all in [false, true] {
                let found = try source.evaluation(of: record, includesTrained: all)
                #expect(found.origin == .unknown)
                #expect(found.dataset.count == 20)
                #expect(found.note == nil)
            }
        }
        // They were the training's once.
        let record = try record(source)
        try fill("data/", [("a", 11)])
        let changed = try source.evaluation(of: record)
        #expect(changed.origin == .changed)
        #expect(changed.dataset.count == 21)
        #expect(changed.origin.trainedCount == nil)
        #expect(try #require(changed.note).hasPrefix("The data have changed since"))
    }

    @Test func `a part of its own is measured, and it is told whether it chose the best epoch`() throws {
        try fill("data/train/", [("a", 10), ("b", 10)])
        try fill("data/val/", [("a", 3), ("b", 2)])
        let source = try DataSource(folder.path("data"))
        let chosen = try source.evaluation(of: record(source))
        #expect(chosen.origin == .validation)
        #expect(chosen.dataset.count == 5)
        let untouched = try source.evaluation(of: record(source, split: 0.2))
        #expect(untouched.origin == .untouched)
        #expect(names(untouched.dataset) == names(chosen.dataset))
        #expect(untouched.note == nil)
        let all = try source.evaluation(of: record(source, split: 0.2), includesTrained: true)
        #expect(all.dataset.count == 25)
        #expect(all.origin == .trained(count: 16))
        #expect(Set(names(all.dataset)).count == 25)
        let labels: [Int] = Array(repeating: 0, count: 10) + Array(repeating: 1, count: 10) + [0, 0, 0, 1, 1]
        #expect((0..<25).map(all.dataset.label) == labels)
    }

    @Test func `the part that was learnt from, named itself, is known for it`() throws {
        try fill("data/train/", [("a", 10), ("b", 10)])
        try fill("data/val/", [("a", 3), ("b", 2)])
        let whole = try DataSource(folder.path("data"))
        let part = try DataSource(folder.path("data/train"))
        let found = try part.evaluation(of: record(whole))
        #expect(found.origin == .trained(count: 20))
        #expect(found.dataset.count == 20)
        #expect(try #require(found.note).contains("trained on all of these 20 images"))
        let split = try part.evaluation(of: record(whole, split: 0.2))
        #expect(split.origin == .heldOut(trainedCount: 16))
        #expect(split.dataset.count == 4)
        let all = try part.evaluation(of: record(whole, split: 0.2), includesTrained: true)
        #expect(all.origin == .trained(count: 16))
        #expect(all.dataset.count == 20)
        #expect(try DataSource(folder.path("data/val")).evaluation(of: record(whole)).origin == .unknown)
    }

    @Test(arguments: [nil, 0.2]) func `of published files the test part is measured`(split: Double?) throws {
        for (part, count) in [("train", 20), ("t10k", 4)] {
            let labels = (0..<count).map { UInt8($0 % 2) }
            try folder.write(TestScene.idx([count, 1, 1], labels), to: "\(part)-images-idx3-ubyte")
            try folder.write(TestScene.idx([count], labels), to: "\(part)-labels-idx1-ubyte")
        }
        let source = try DataSource("mnist:" + folder.path(""))
        let record = try record(source, split: split)
        let found = try source.evaluation(of: record)
        #expect(found.origin == (split == nil ? .validation : .untouched))
        #expect(found.dataset.count == 4)
        let all = try source.evaluation(of: record, includesTrained: true)
        #expect(all.origin == .trained(count: split == nil ? 20 : 16))
        #expect(all.dataset.count == 24)
        // Who has no part to learn from can still evaluate.
        try FileManager.default.removeItem(atPath: folder.path("train-images-idx3-ubyte"))
        #expect(try source.evaluation(of: record).origin == .unknown)
        #expect(try source.evaluation(of: record).dataset.count == 4)
    }
}

/// What lies beside a checkpoint.
@Suite(.timeLimit(.minutes(2))) struct TrainingRecordTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func write(_ text: String, to name: String = "model.json") throws {
        try folder.write(Array(text.utf8), to: name)
    }

    @Test func `a record is read from a folder, and beside the checkpoint that it is of`() throws {
        try write(
            """
            {"checkpoint": "a.pth", "training": {"best": {}, "settings":
              {"data": "flowers", "data_digest": "12", "validation_split": 0.2, "seed": 7, "later": []}}}
            """)
        let record = TrainingRecord(data: "flowers", dataDigest: "12", validationSplit: 0.2, seed: 7)
        #expect(TrainingRecord(folder: folder.path("")) == record)
        #expect(TrainingRecord(checkpoint: folder.path("a.pth")) == record)
        #expect(TrainingRecord(checkpoint: folder.path("b.pth")) == nil)
    }

    @Test(arguments: [
        "", "[]", "{}", #"{"training": {"epochs": 10}}"#, #"{"training": {"settings": {"data": "x", "seed": 1}}}"#,
        #"{"training": 3, "checkpoint": 4}"#,
    ])
    func `what tells of no training is none`(_ text: String) throws {
        try write(text)
        #expect(TrainingRecord(folder: folder.path("")) == nil)
        #expect(TrainingRecord(checkpoint: folder.path("a.pth")) == nil)
        #expect(TrainingRecord(folder: folder.path("none")) == nil)
    }

    @Test func `the classes beside a checkpoint are those that its description names`() throws {
        let path = folder.path("a.pth")
        #expect(TrainingRecord.classNames(besideCheckpoint: path) == nil)
        try write(#"{"0": "cat", "1": "dog"}"#, to: "class_indices.json")
        try write(#"["ant", "bee"]"#, to: "insects.json")
        #expect(TrainingRecord.classNames(besideCheckpoint: path) == ["cat", "dog"])
        try write(#"{"checkpoint": "a.pth", "classes": "insects.json"}"#)
        #expect(TrainingRecord.classNames(besideCheckpoint: path) == ["ant", "bee"])
        #expect(TrainingRecord.classNames(besideCheckpoint: folder.path("b.pth")) == ["cat", "dog"])
        try write(#"{"checkpoint": "a.pth", "classes": "../insects.json"}"#)
        #expect(TrainingRecord.classNames(besideCheckpoint: path) == nil)
    }
}
