import Foundation
import Inference
import Synchronization
import TestSupport
import Testing

@testable import Training

@Suite(.timeLimit(.minutes(5))) struct TrainerTests {
    private let temporary: TemporaryFolder

    init() throws { temporary = try TemporaryFolder() }

    private func folder(_ name: String = "tints", type: ScalarType = .float32) -> TrainingFolder {
        TrainingFolder(temporary.path(name) + "/tints", scalarType: type)
    }

    private func text(_ folder: TrainingFolder, _ name: String) throws -> String {
        try String(contentsOfFile: folder.path + "/" + name, encoding: .utf8)
    }

    // Stopping and going on

    @Test func `stopped after any step, a training comes to the same end bit for bit`() throws {
        let recipe = Recipe()
        try recipe.run(in: folder("whole"))
        let expected = try Remains(folder("whole"))
        #expect(expected.state.history.rows.count == 3)
        #expect(expected.checkpoint != nil)
        for limit in 0..<15 {
            let stopped = folder("stopped \(limit)")
            #expect(try recipe.run(in: stopped, stepLimit: limit) == .stopped)
            #expect(try recipe.run(in: stopped, resuming: true) == .finished)
            #expect(try Remains(stopped) == expected, "stopped after \(limit) steps")
        }
    }

    @Test func `stopped after each step, it comes to the same end too`() throws {
        let recipe = Recipe()
        try recipe.run(in: folder("whole"))
        let stopped = folder("stopped")
        #expect(try recipe.run(in: stopped, stepLimit: 1) == .stopped)
        var count = 1
        while count < 100, try recipe.run(in: stopped, resuming: true, stepLimit: 1) == .stopped { count += 1 }
        #expect(count == 15)
        #expect(try Remains(stopped) == Remains(folder("whole")))
    }

    @Test(arguments: [1, 3]) func `the number of threads changes no bit`(threadCount: Int) throws {
        var recipe = Recipe()
        try recipe.run(in: folder("two"))
        recipe.threadCount = threadCount
        try recipe.run(in: folder("other"), stepLimit: 7)
        recipe.threadCount = 4
        try recipe.run(in: folder("other"), resuming: true)
        #expect(try Remains(folder("other")) == Remains(folder("two")))
    }

    @Test func `a training that stops during validation goes on bit for bit`() throws {
        try Recipe().run(in: folder("whole"))
        let folder = folder("stopped")
        let trainer = try Recipe().trainer(folder)
        let witness = Witness()
        var validated = false
        witness.onValidation = { validated = true }
        let outcome = try trainer.run(observer: witness) { validated }
        #expect(outcome == .stopped)
        #expect(witness.rows.isEmpty, "no epoch ended")
        try Recipe().run(in: folder, resuming: true)
        #expect(try Remains(folder) == Remains(self.folder("whole")))
    }

    @Test func `a state is there before the first step, and after each where that is asked for`() throws {
        let (recipe, folder) = (Recipe(), folder())
        let witness = Witness()
        var steps: [Int] = []
        witness.onStep = {
            let file = try? TrainingStateFile<TrainingSettings>(contentsOf: folder.statePath)
            steps.append(file?.state.progress.step ?? -1)
        }
        _ = try recipe.trainer(folder).run(observer: witness, saveInterval: .zero) { witness.steps.count >= 4 }
        // Told before it is written.
        #expect(steps == [0, 1, 2, 3])
    }

    @Test func `more epochs can follow, and none where all are over`() throws {
        var recipe = Recipe()
        try recipe.run(in: folder("whole"))
        recipe.settings.epochs = 2
        try recipe.run(in: folder("longer"))
        let remains = try Remains(folder("longer"))
        try recipe.run(in: folder("longer"), resuming: true)
        #expect(try Remains(folder("longer")) == remains)
        recipe.settings.epochs = 3
        try recipe.run(in: folder("longer"), resuming: true)
        let (longer, whole) = (try Remains(folder("longer")), try Remains(folder("whole")))
        #expect(longer.tensors == whole.tensors && longer.checkpoint == whole.checkpoint)
    }

    // What is kept

    @Test func `the best epoch is kept, the earliest of equals`() throws {
        var recipe = Recipe()
        // The better it gets, the worse it seems.
        recipe.validation.shift = 1
        recipe.settings.epochs = 6
        let witness = Witness()
        let trainer = try recipe.trainer(folder("long"))
        _ = try trainer.run(observer: witness) { false }
        let best = try #require(trainer.history.best)
        #expect(best.epoch < 6)
        #expect(witness.rows.last { $0.isBest }?.row == best)
        var shorter = recipe
        shorter.settings.epochs = best.epoch
        try shorter.run(in: folder("short"))
        #expect(try Remains(folder("long")).checkpoint == Remains(folder("short")).checkpoint)
        #expect(try Remains(folder("long")).tensors != Remains(folder("short")).tensors)
        #expect(try text(folder("long"), "history.csv") == trainer.history.csv)
        #expect(try text(folder("long"), "history.svg").contains("tints"))
    }

    @Test(arguments: [nil, 7])
    func `of epochs with the same accuracy the one of the lowest loss is kept, resumed or not`(
        stepLimit: Int?
    ) throws {
        var recipe = Recipe()
        // Of one image there are two accuracies, and it is told right from early on.
        recipe.validation = Tints(count: 1)
        recipe.settings.epochs = 8
        if let stepLimit { try recipe.run(in: folder("long"), stepLimit: stepLimit) }
        try recipe.run(in: folder("long"), resuming: stepLimit != nil)
        let state = try Remains(folder("long")).state
        let rows = state.history.rows
        let accuracy = try #require(rows.compactMap(\.validationAccuracy).max())
        let ties = rows.filter { $0.validationAccuracy == accuracy }
        let lowest = try #require(ties.min { $0.validationLoss ?? 0 < $1.validationLoss ?? 0 })
        #expect(ties.count > 1 && lowest.epoch > ties[0].epoch, "nothing to decide")
        #expect(state.progress.bestEpoch == lowest.epoch)
        var shorter = recipe
        shorter.settings.epochs = lowest.epoch
        try shorter.run(in: folder("short"))
        #expect(try Remains(folder("long")).checkpoint == Remains(folder("short")).checkpoint)
    }

    @Test(arguments: [nil, 7]) func `that nothing is learnt is said once, resumed or not`(stepLimit: Int?) throws {
        var recipe = Recipe()
        recipe.settings.epochs = 9
        recipe.base = 1e-9
        if let stepLimit { try recipe.run(in: folder(), stepLimit: stepLimit) }
        let trainer = try recipe.trainer(folder())
        if stepLimit != nil {
            try trainer.resume(from: try TrainingStateFile<TrainingSettings>(contentsOf: folder().statePath))
        }
        let witness = Witness()
        _ = try trainer.run(observer: witness) { false }
        #expect(witness.chances == [6], "thirty steps are six epochs")
    }

    @Test(arguments: [0.9, nil]) func `what is kept is the moving average where there is one`(decay: Double?) throws {
        var recipe = Recipe()
        recipe.settings.epochs = 1
        recipe.settings.averageDecay = decay
        try recipe.run(in: folder())
        let remains = try Remains(folder())
        let kept = try Checkpoint(contentsOf: folder().path + "/tints.pth")
        #expect(kept.tensors.names == ["conv.weight", "conv.bias", "fc.weight", "fc.bias"])
        for name in kept.tensors.names {
            let bits = try #require(kept.tensors[name]).tensor().scalars.map(\.bitPattern)
            #expect(bits == remains.tensors[(decay == nil ? "values/" : "average/") + name])
            if decay != nil { #expect(bits != remains.tensors["values/" + name]) }
        }
    }

    @Test func `the checkpoint has the type that was asked for`() throws {
        try Recipe().run(in: folder(type: .bfloat16))
        let kept = try Checkpoint(contentsOf: folder().path + "/tints.pth")
        #expect(kept.tensors.allSatisfy { $0.tensor.scalarType == .bfloat16 })
    }

    @Test func `frozen layers keep every bit`() throws {
        var recipe = Recipe()
        recipe.settings.frozen = ["conv"]
        recipe.optimizer.weightDecay = 0.1
        try recipe.run(in: folder("begun"), stepLimit: 0)
        try recipe.run(in: folder("ended"))
        let (begun, ended) = (try Remains(folder("begun")).tensors, try Remains(folder("ended")).tensors)
        for stretch in ["values/", "average/"] {
            #expect(begun[stretch + "conv.weight"] == ended[stretch + "conv.weight"])
            #expect(begun[stretch + "fc.weight"] != ended[stretch + "fc.weight"])
        }
    }

    @Test func `model json tells all that the result depends on`() throws {
        var recipe = Recipe()
        recipe.settings.epochs = 1
        recipe.settings.frozen = ["conv"]
        recipe.form = .step(epochCount: 2, factor: 0.1)
        try recipe.run(in: folder())
        let row = try #require(
            try TrainingStateFile<TrainingSettings>(contentsOf: folder().statePath).state.history.rows.first)
        func number(_ value: Double?) throws -> String {
            String(decoding: try JSONEncoder().encode(try #require(value)), as: UTF8.self)
        }
        #expect(
            try text(folder(), "model.json") == """
                {
                  "architecture" : "tiny",
                  "checkpoint" : "tints.pth",
                  "classes" : "class_indices.json",
                  "preprocessing" : "unit",
                  "training" : {
                    "best" : {
                      "epoch" : 1,
                      "images_per_second" : \(number(row.imagesPerSecond)),
                      "learning_rate" : 0.01,
                      "seconds" : \(number(row.seconds)),
                      "train_accuracy" : \(number(row.trainAccuracy)),
                      "train_loss" : \(number(row.trainLoss)),
                      "val_accuracy" : \(number(row.validationAccuracy)),
                      "val_loss" : \(number(row.validationLoss))
                    },
                    "optimizer" : {
                      "beta1" : 0.9,
                      "beta2" : 0.999,
                      "epsilon" : 1e-08,
                      "kind" : "adam",
                      "momentum" : 0.9,
                      "rateDecay" : 0,
                      "weightDecay" : 0
                    },
                    "schedule" : {
                      "base" : 0.01,
                      "epochCount" : 1,
                      "form" : {
                        "step" : {
                          "epochCount" : 2,
                          "factor" : 0.1
                        }
                      },
                      "plateau" : {
                        "reductionCount" : 0,
                        "stalledEpochCount" : 0
                      },
                      "stepsPerEpoch" : 5,
                      "warmupStepCount" : 0
                    },
                    "settings" : {
                      "architecture" : "tiny",
                      "augmentation" : "tutorial",
                      "batch_size" : 5,
                      "clip_norm" : 2,
                      "data" : "tints",
                      "data_digest" : "1234",
                      "ema" : 0.9,
                      "epochs" : 1,
                      "from_scratch" : [

                      ],
                      "frozen" : [
                        "conv"
                      ],
                      "init" : "pytorch",
                      "label_smoothing" : 0.1,
                      "preprocessing" : "unit",
                      "seed" : 11
                    }
                  }
                }

                """)
        #expect(
            try ClassMap(Array(text(folder(), "class_indices.json").utf8)).names == ["blue", "green", "red"])
    }

    // Learning

    @Test func `it learns`() throws {
        var recipe = Recipe()
        recipe.settings.epochs = 20
        let witness = Witness()
        _ = try recipe.trainer(folder()).run(observer: witness) { false }
        let (first, last) = (try #require(witness.rows.first?.row), try #require(witness.rows.last?.row))
        #expect(last.trainLoss < first.trainLoss)
        #expect(witness.chances.isEmpty)
        #expect(try #require(last.validationAccuracy) >= 0.75)
        #expect(witness.steps.map(\.number) == (0..<100).map { $0 % 5 + 1 })
        #expect(witness.steps.prefix(5).map(\.imageCount) == [5, 10, 15, 20, 23])
        #expect(witness.steps.allSatisfy { $0.imagesPerEpoch == 23 && $0.countPerEpoch == 5 })
    }

    @Test func `the rate falls where validation stalls, resumed or not`() throws {
        var recipe = Recipe()
        recipe.validation.shift = 1
        recipe.form = .plateau(patience: 0, factor: 0.1)
        recipe.settings.epochs = 6
        try recipe.run(in: folder("whole"))
        let rows = try Remains(folder("whole")).state.history.rows
        // What the losses say should happen to the rate.
        var (rate, best, rates) = (0.01, Double.infinity, [Double]())
        for row in rows {
            rates.append(rate)
            let loss = try #require(row.validationLoss)
            if loss < best * (1 - 1e-4) { best = loss } else { rate *= 0.1 }
        }
        #expect(zip(rows, rates).allSatisfy { abs($0.learningRate - $1) < 1e-9 * $1 })
        #expect(try #require(rates.last) < 0.01)
        try recipe.run(in: folder("stopped"), stepLimit: 23)
        try recipe.run(in: folder("stopped"), resuming: true)
        #expect(try Remains(folder("stopped")) == Remains(folder("whole")))
    }

    // What goes wrong

    @Test(arguments: [Duration.seconds(600), .zero])
    func `a loss that is no number ends it with the step, and the best epoch stays`(saveInterval: Duration) throws {
        var recipe = Recipe()
        recipe.settings.clipNorm = nil
        recipe.settings.epochs = 1
        recipe.optimizer = OptimizerSettings(.sgd)
        recipe.optimizer.weightDecay = 0.9
        try recipe.run(in: folder())
        let before = try Remains(folder())
        let description = try text(folder(), "model.json")
        // From one step to the next the weights grow nine hundredfold.
        recipe.settings.epochs = 100
        recipe.base = 1000
        let error = #expect(throws: TrainingError.self) {
            try recipe.run(in: folder(), resuming: true, saveInterval: saveInterval)
        }
        guard case .diverged(let epoch, let step, let loss) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(epoch >= 2 && 1...5 ~= step && !loss.isFinite)
        #expect(try #require(error).description.contains("step \(step) of epoch \(epoch); a lower learning rate"))
        let after = try Remains(folder())
        #expect(after.tensors.values.joined().allSatisfy { Float(bitPattern: $0).isFinite })
        // It may have been better for an epoch; then that one is kept.
        if after.state.progress.bestEpoch == 1 {
            #expect(after.checkpoint == before.checkpoint)
            #expect(try text(folder(), "model.json") == description)
        }
        #expect(try Checkpoint(contentsOf: folder().path + "/tints.pth").tensors.count == 4)
    }

    @Test func `images that cannot be read are told of once and left out`() throws {
        var recipe = Recipe()
        recipe.settings.batchSize = 1
        recipe.training = Tints(count: 7, corrupt: [0, 3, 4])
        recipe.validation.corrupt = [5]
        let reports = Mutex<[String]>([])
        let witness = Witness()
        let trainer = try recipe.trainer(folder("whole")) { error in reports.withLock { $0.append("\(error)") } }
        #expect(try trainer.run(observer: witness) { false } == .finished)
        #expect(reports.withLock { $0.count } == 4)
        #expect(reports.withLock { Set($0).count } == 4)
        #expect(witness.steps.count == 12)
        #expect(witness.steps.filter { $0.epoch == 2 }.map(\.imageCount) == [1, 2, 3, 4])
        let expected = try Remains(folder("whole"))
        for limit in 0..<12 {
            let stopped = folder("stopped \(limit)")
            try recipe.run(in: stopped, stepLimit: limit)
            try recipe.run(in: stopped, resuming: true)
            #expect(try Remains(stopped) == expected, "stopped after \(limit) steps")
        }
    }
}
