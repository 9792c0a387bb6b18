import ArgumentParser
import Files
import Foundation
import Host
import Inference
import Server
import Threads
import Training

/// `alexnet evaluate`: measures a model's accuracy on labelled images.
struct Evaluate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Evaluate a model on labelled images: accuracy, loss, confusion matrix and worst mistakes.",
        discussion: """
            The data are a folder with one folder for each class, or published files: fashion-mnist:DIR, mnist:DIR, \
            cifar10:DIR or cifar100:DIR. If they have a validation or test part, that part is used. If the model was trained \
            on these data, which its model.json says, the images that were held out are used; --all uses all of them. Classes \
            are matched to the model's by name. Unreadable images and other files are reported and left out. Precision is the \
            share of the images predicted as a class that belong to it. Recall is the share of a class's images that were \
            predicted as it. F1 is their harmonic mean.
            """
    )

    @Option(help: ArgumentHelp("FOLDER, fashion-mnist:DIR, mnist:DIR, cifar10:DIR or cifar100:DIR.", valueName: "data"))
    var data: String

    @OptionGroup var model: ModelOptions

    @Flag(help: "Evaluate all of the data, including images that the model was trained on.")
    var all = false

    @Flag(help: "Average the probabilities of ten crops, as in the paper: corners, centre, and their horizontal flips.")
    var tenCrop = false

    @Flag(help: "Invert the images' colours, to see how robust the model is to light backgrounds.")
    var invert = false

    @Option(help: ArgumentHelp("Evaluate an evenly spaced sample of this many images.", valueName: "n"))
    var limit: Int?

    @Option(help: ArgumentHelp("How many of the worst mistakes to list.", valueName: "n"))
    var mistakes = 20

    @Option(help: ArgumentHelp("Write the report as JSON; - prints it instead of the tables.", valueName: "file"))
    var json: String?

    @Option(help: ArgumentHelp("Write the confusion matrix as SVG.", valueName: "file"))
    var svg: String?

    @Option(help: ArgumentHelp("Threads (default: the cores this process may use).", valueName: "n"))
    var threads: Int?

    @Option(help: ArgumentHelp("The most images in one forward pass.", valueName: "n"))
    var batchSize = 64

    /// The most unreadable images that are listed.
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
            // An output that cannot be written is reported before the work starts.
            for path in [json, svg].compactMap(\.self) where path != "-" { try AtomicFile(path).abandon() }
            let measured = try DataSource(data).evaluation(of: model.trainingRecord, includesTrained: all)
            if let note = measured.note { OutputStream.error.writeIfPossible("alexnet: \(note)\n") }
            let loaded = try ModelLoader(
                workers: workers, tuning: .cached(limit: .seconds(1), threadCount: workers.threadCount),
                precision: model.source.precision
            ).load(try model.files())
            loaded.printAssumptions()
            let report = EvaluationReport(
                subject: .init(
                    model: loaded.name, version: loaded.version, data: data, origin: measured.origin, tenCrop: tenCrop,
                    inverted: invert),
                classNames: loaded.classes.names, result: try evaluate(loaded, on: measured.dataset, workers),
                ignored: measured.dataset.ignored)
            try write(report)
        } catch {
            throw Failure.work(error)
        }
    }

    private func evaluate(_ model: Model, on data: any Dataset, _ workers: WorkerPool) throws -> Evaluator.Result {
        OutputStream.error.report(data.ignored)
        let mapping = try LabelMapping(dataClasses: data.classNames, modelClasses: model.classes.names)
        if let note = mapping.note { OutputStream.error.writeIfPossible("alexnet: \(note)\n") }
        let crops = TenCrop(model.preprocessing)
        let views: Evaluator.Views = { image in crops(image).slices }
        let evaluator = Evaluator(
            model: model, workers: workers, batchSize: tenCrop ? max(1, batchSize / TenCrop.count) : batchSize,
            worstCount: mistakes, views: tenCrop ? views : nil)
        var progress = ProgressBar(total: min(limit ?? .max, data.count), unit: "images", isShown: true)
        defer { progress.clear() }
        let result = try evaluator.run(on: invert ? InvertedImages(data) : data, limit: limit ?? .max) {
            progress.advance(by: $0)
        }
        progress.clear()
        for error in result.skipped.prefix(Self.maxSkippedLineCount) {
            OutputStream.error.writeIfPossible("alexnet: left out: \(error)\n")
        }
        if result.skipped.count > Self.maxSkippedLineCount {
            OutputStream.error.writeIfPossible(
                "alexnet: left out: \(result.skipped.count - Self.maxSkippedLineCount) more images\n")
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
