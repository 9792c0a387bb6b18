import ArgumentParser
import Files
import Foundation
import Host
import Inference
import Server
import Threads
import Training

/// `alexnet evaluate`: how good a model is, on labelled pictures.
struct Evaluate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure a model on labelled pictures: accuracy, loss, confusion, and the worst mistakes.",
        discussion: """
            The data are a folder with one folder a class, or published files: fashion-mnist:DIR, mnist:DIR, cifar10:DIR and \
            cifar100:DIR; where they have a validation or test part, that one is taken. Where the model was trained on these very \
            data (model.json tells), what was held out then is taken, unless --all asks for everything. Classes are matched to the \
            model's by name. Images that cannot be read, and files that are none, are named and left out. Precision is the share of the images taken for a class \
            that belong to it, recall the share of its pictures that were taken for it, F1 their harmonic mean.
            """
    )

    @Option(help: ArgumentHelp("FOLDER, fashion-mnist:DIR, mnist:DIR, cifar10:DIR or cifar100:DIR.", valueName: "data"))
    var data: String

    @OptionGroup var model: ModelOptions

    @Flag(help: "Measure all of the data, the images that the model was trained on too.")
    var all = false

    @Flag(help: "Average the probabilities of ten crops, as the paper does: corners, centre, and their mirror images.")
    var tenCrop = false

    @Flag(help: "Invert the pictures' colours: how robust the model is to light backgrounds.")
    var invert = false

    @Option(help: ArgumentHelp("Take this many pictures only, from everywhere in the data.", valueName: "n"))
    var limit: Int?

    @Option(help: ArgumentHelp("How many of the worst mistakes to list.", valueName: "n"))
    var mistakes = 20

    @Option(help: ArgumentHelp("Write everything as JSON; - is standard output, instead of tables.", valueName: "file"))
    var json: String?

    @Option(help: ArgumentHelp("Draw the confusion matrix.", valueName: "file"))
    var svg: String?

    @Option(help: ArgumentHelp("Threads (default: the cores this process may use).", valueName: "n"))
    var threads: Int?

    @Option(help: ArgumentHelp("Pictures in one forward pass at most.", valueName: "n"))
    var batchSize = 64

    /// More names are no reading for people.
    private static let maxSkippedLineCount = 20

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit takes a whole number from 1 on, not \(limit).") }
        guard 0...10_000 ~= mistakes else { throw ValidationError("--mistakes takes 0 to 10000, not \(mistakes).") }
        guard 1...1024 ~= batchSize else { throw ValidationError("--batch-size takes 1 to 1024, not \(batchSize).") }
        if let threads, !(1...1024 ~= threads) { throw ValidationError("--threads takes 1 to 1024, not \(threads).") }
    }

    func run() throws {
        let workers = try CommandThreads.pool(threads)
        ComputeEnvironment.warnings.forEach { OutputStream.error.writeIfPossible("alexnet: \($0)\n") }
        do {
            // What cannot be written is told before the work, not after it.
            for path in [json, svg].compactMap(\.self) where path != "-" { try AtomicFile(path).abandon() }
            let measured = try DataSource(data).evaluation(of: model.trainingRecord, includesTrained: all)
            if let note = measured.note { OutputStream.error.writeIfPossible("alexnet: \(note)\n") }
            let loaded = try ModelLoader(
                workers: workers, tuning: .cached(limit: .seconds(1), threadCount: workers.threadCount),
                precision: model.source.precision
            ).load(try model.files())
            loaded.tellAssumptions()
            let report = EvaluationReport(
                subject: .init(
                    model: loaded.name, version: loaded.version, data: data, origin: measured.origin, tenCrop: tenCrop,
                    inverted: invert),
                classNames: loaded.classes.names, result: try evaluate(loaded, on: measured.dataset, workers),
                leftOut: measured.dataset.leftOut)
            try write(report)
        } catch {
            throw Failure.work(error)
        }
    }

    private func evaluate(_ model: Model, on data: any Dataset, _ workers: WorkerPool) throws -> Evaluator.Result {
        OutputStream.error.tell(data.leftOut)
        let mapping = try LabelMapping(dataClasses: data.classNames, modelClasses: model.classes.names)
        if let note = mapping.note { OutputStream.error.writeIfPossible("alexnet: \(note)\n") }
        let crops = TenCrop(model.preprocessing)
        let views: Evaluator.Views = { picture in crops(picture).slices }
        let evaluator = Evaluator(
            model: model, workers: workers, batchSize: tenCrop ? max(1, batchSize / TenCrop.count) : batchSize,
            worstCount: mistakes, views: tenCrop ? views : nil)
        var progress = ProgressBar(total: min(limit ?? .max, data.count), unit: "images", isShown: true)
        defer { progress.clear() }
        let result = try evaluator.run(on: invert ? InvertedPictures(data) : data, limit: limit ?? .max) {
            progress.advance(by: $0)
        }
        progress.clear()
        for error in result.skipped.prefix(Self.maxSkippedLineCount) {
            OutputStream.error.writeIfPossible("alexnet: left out: \(error)\n")
        }
        if result.skipped.count > Self.maxSkippedLineCount {
            OutputStream.error.writeIfPossible(
                "alexnet: and \(result.skipped.count - Self.maxSkippedLineCount) more were left out.\n")
        }
        return result
    }

    private func write(_ report: EvaluationReport) throws {
        if json != "-" { try OutputStream.output.write(report.text) }
        if let json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            let text = String(decoding: try encoder.encode(report), as: UTF8.self) + "\n"
            if json == "-" { try OutputStream.output.write(text) } else { try AtomicFile.write(text, to: json) }
        }
        if let svg {
            let title = "\(report.subject.model) on \(report.subject.data)"
            try AtomicFile.write(
                report.result.evaluation.confusion.svg(classNames: report.classNames, title: title), to: svg)
        }
    }
}
