import Foundation
import TestSupport
import Testing

@testable import Training

/// What a training says where it cannot begin, or has no place to write.
@Suite(.timeLimit(.minutes(5))) struct TrainerRefusalTests {
    private let temporary: TemporaryFolder

    init() throws { temporary = try TemporaryFolder() }

    private func folder(_ name: String = "tints") -> TrainingFolder {
        TrainingFolder(temporary.path(name) + "/tints")
    }

    @Test func `where no image can be read, that is said`() throws {
        var recipe = Recipe()
        recipe.training.corrupt = Set(0..<23)
        #expect(throws: TrainingError.nothingReadable) { try recipe.run(in: folder("training")) }
        recipe = Recipe()
        recipe.validation.corrupt = Set(0..<12)
        #expect(throws: TrainingError.nothingReadable) { try recipe.run(in: folder("validation")) }
    }

    @Test func `numbers that no training works with are refused at their limits`() throws {
        func error(_ change: (inout TrainingSettings) -> Void) throws -> TrainingError? {
            var recipe = Recipe()
            change(&recipe.settings)
            do {
                _ = try recipe.trainer(folder())
                return nil
            } catch let error as TrainingError {
                return error
            }
        }
        func isRefused(_ change: (inout TrainingSettings) -> Void) throws -> Bool {
            if case .setting = try error(change) { true } else { false }
        }
        #expect(try isRefused { $0.batchSize = 0 })
        #expect(try error { $0.batchSize = 1 } == nil)
        #expect(try error { $0.batchSize = 23 } == nil)
        #expect(try error { $0.batchSize = 24 } == .batchTooLarge(batchSize: 24, imageCount: 23))
        #expect(try error { $0.batchSize = 4096 } == .batchTooLarge(batchSize: 4096, imageCount: 23))
        #expect(try isRefused { $0.batchSize = 4097 })
        #expect(try isRefused { $0.averageDecay = 1 })
        #expect(try error { $0.averageDecay = 0 } == nil)
        #expect(try isRefused { $0.averageDecay = .nan })
        #expect(try isRefused { $0.clipNorm = 0 })
        #expect(try isRefused { $0.clipNorm = .nan })
        #expect(try isRefused { $0.labelSmoothing = 1 })
        #expect(try isRefused { $0.labelSmoothing = -0.01 })
        #expect(
            try error { $0.augmentation = "loud" } == .unknownSetting(name: "augmentation", value: "loud"))
        #expect(
            try error { $0.frozen = ["conv2"] } == .unknownLayers(names: ["conv2"], known: ["conv", "fc"]))
        #expect(try error { $0.frozen = ["conv", "fc"] } == .nothingToLearn)
    }

    @Test func `one training at a time fills a folder`() throws {
        let folder = folder("shared")
        try folder.create()
        var lock: FolderLock? = try FolderLock(folder: folder.path)
        let before = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect {
            try Recipe().run(in: folder)
        } throws: { error in
            if case TrainingError.notWritten(let reason) = error { reason.hasPrefix("another training") } else { false }
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == before)
        lock = nil
        #expect(lock == nil)
        try Recipe().run(in: folder)
    }

    @Test func `where the folder cannot be written, the first sentence says so`() throws {
        try temporary.write([], to: "taken")
        #expect {
            try Recipe().run(in: TrainingFolder(temporary.path("taken") + "/tints"))
        } throws: { error in
            if case TrainingError.notWritten = error { true } else { false }
        }
        // In the way of the state.
        try temporary.makeFolder("blocked/tints/training.resume")
        #expect {
            try Recipe().run(in: folder("blocked"))
        } throws: { error in
            if case TrainingError.state(.notWritten) = error { true } else { false }
        }
    }

    @Test func `a folder's name is the model's, whatever way its path is written`() {
        for path in ["weights/tints", "weights/tints/", "weights/tints//", "./weights/x/../tints"] {
            #expect(TrainingFolder(path).name == "tints")
        }
        #expect(TrainingFolder("/").path == "/")
        #expect(TrainingFolder("a/").statePath == "a/training.resume")
    }
}
