import ArgumentParser
import Foundation
import Host
import Inference
import Server
import Synchronization
import Threads

/// `alexnet predict`: classifies images without a server.
struct Predict: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Classify images: files, folders of them, or standard input (-).",
        discussion: """
            Prints a table, or with --json one JSON object for each image, as POST /predict answers. Exits with 1 if an image \
            could not be read; the others are classified all the same.

            For many images, --output FILE.csv or FILE.jsonl shows the progress, and with --resume a run that was interrupted \
            goes on where it ended:

              alexnet predict photographs/ --top 1 --output classes.csv --resume
            """
    )

    @Argument(help: ArgumentHelp("Images, folders of images, or - for standard input.", valueName: "path"))
    var paths: [String]

    @OptionGroup var model: ModelOptions

    @Option(help: ArgumentHelp("How many classes to list.", valueName: "k"))
    var top = 5

    @Flag(help: "Print one JSON object for each image: --format json.")
    var json = false

    @Option(
        help: ArgumentHelp(
            "table, json or csv (default: table, or by the suffix of --output).", valueName: "format"))
    var format: PredictionFormat?

    @Option(help: ArgumentHelp("A new file for the answers, in json or csv.", valueName: "file"))
    var output: String?

    @Flag(help: "Continue the file of --output: leave out the images that are in it.")
    var resume = false

    @Option(help: ArgumentHelp("Threads (default: the cores this process may use).", valueName: "n"))
    var threads: Int?

    @Option(help: ArgumentHelp("The most images in one forward pass.", valueName: "n"))
    var batchSize = 32

    @Option(help: ArgumentHelp("The most pixels of an image (width times height).", valueName: "n"))
    var maxPixels = 128_000_000

    @Flag(inversion: .prefixedNo, help: "Rotate images by their EXIF orientation.")
    var orientation = true

    @Option(
        help: ArgumentHelp("exact, or scaled: decode large JPEGs at 1/2, 1/4 or 1/8 of their size.", valueName: "mode"))
    var decode = DecodeMode.exact

    func validate() throws {
        guard top > 0 else { throw ValidationError("--top takes a positive whole number, not \(top).") }
        guard 1...1024 ~= batchSize else { throw ValidationError("--batch-size takes 1 to 1024, not \(batchSize).") }
        guard maxPixels > 0 else { throw ValidationError("--max-pixels takes a positive whole number.") }
        if let threads, !(1...1024 ~= threads) { throw ValidationError("--threads takes 1 to 1024, not \(threads).") }
        if json, let format, format != .json { throw ValidationError("--json and --format \(format.rawValue) differ.") }
        guard let output else {
            guard !resume else { throw ValidationError("--resume continues a file; name it with --output.") }
            return
        }
        guard chosenFormat != .table else {
            throw ValidationError(
                format == nil
                    ? "--output \(output) does not tell its format; add --format csv or --format json."
                    : "--output takes --format csv or --format json; a table is for reading.")
        }
    }

    private var chosenFormat: PredictionFormat {
        format ?? (json ? .json : output.flatMap(PredictionFormat.init(suffixOf:)) ?? .table)
    }

    func run() throws {
        let workers = try CommandThreads.pool(threads)
        ComputeEnvironment.warnings.forEach { OutputStream.error.writeIfPossible("alexnet: \($0)\n") }
        let loaded: Model
        do {
            loaded = try ModelLoader(
                workers: workers, tuning: .cached(limit: .zero, threadCount: workers.threadCount),
                precision: model.source.precision
            ).load(try model.files())
        } catch {
            throw Failure.work(error)
        }
        loaded.printAssumptions()
        let (images, ignored) = ImageSource.all(at: paths)
        OutputStream.error.report(ignored)
        let top = min(top, loaded.classes.count)
        do {
            if let output {
                let file = try PredictionFile(
                    output, format: chosenFormat, top: top, version: loaded.version, continues: resume)
                if file.isEmpty, chosenFormat == .csv {
                    try file.write(CSV.record(PredictionFormat.columns(top: top)))
                }
                let left = images.filter { !file.done.contains($0.path) }
                let writer = PredictionWriter(model: loaded, top: top, format: chosenFormat, labelWidth: 0)
                let failureCount = try classify(left, of: images.count, by: loaded, on: workers, isProgressShown: true)
                {
                    try file.write(writer.text($0, $1))
                }
                printSummary(written: left.count, failed: failureCount, before: images.count - left.count, to: output)
                if failureCount > 0 { throw ExitCode(Failure.workCode) }
            } else {
                let writer = PredictionWriter(
                    model: loaded, top: top, format: chosenFormat, labelWidth: images.labelWidth)
                if chosenFormat == .csv {
                    try OutputStream.output.write(CSV.record(PredictionFormat.columns(top: top)))
                }
                let failureCount = try classify(
                    images, of: images.count, by: loaded, on: workers, isProgressShown: isatty(STDOUT_FILENO) == 0
                ) { try OutputStream.output.write(writer.text($0, $1)) }
                if failureCount > 0 { throw ExitCode(Failure.workCode) }
            }
        } catch let error as ExitCode {
            throw error
        } catch {
            throw Failure.work(error)
        }
    }

    /// Classifies images and passes each with its logits or its error to `write`, in their order.
    ///
    /// - Parameter count: how many images there are with those of earlier runs.
    /// - Returns: how many could not be read.
    private func classify(
        _ images: [ImageSource], of count: Int, by model: Model, on workers: WorkerPool, isProgressShown: Bool,
        write: (ImageSource, Result<[Float], any Error>) throws -> Void
    ) throws -> Int {
        let decoder = ImageDecoder(maxPixels: maxPixels, appliesOrientation: orientation, mode: decode)
        var progress = ProgressBar(
            total: count, unit: "images", done: count - images.count, isShown: isProgressShown)
        defer { progress.clear() }
        var failureCount = 0
        for start in stride(from: 0, to: images.count, by: batchSize) {
            let batch = Array(images[start..<min(start + batchSize, images.count)])
            let results = PredictionBatch(model: model, decoder: decoder, workers: workers).run(batch)
            progress.clear()
            for (image, result) in zip(batch, results) {
                try write(image, result)
                guard case .failure(let error) = result else { continue }
                failureCount += 1
                OutputStream.error.writeIfPossible("alexnet: \(image.label): \(error)\n")
            }
            progress.advance(by: batch.count)
        }
        return failureCount
    }

    private func printSummary(written: Int, failed: Int, before: Int, to path: String) {
        var parts = ["\(Count.grouped(written)) \(written == 1 ? "image" : "images") written to \(path.printable)"]
        if failed > 0 { parts.append("\(Count.grouped(failed)) of them could not be read") }
        if before > 0 { parts.append("\(Count.grouped(before)) \(before == 1 ? "was" : "were") there before") }
        OutputStream.output.writeIfPossible(parts.joined(separator: "; ") + "\n")
    }
}

/// Writes predictions as text.
struct PredictionWriter {
    /// The model that makes the predictions.
    let model: Model
    /// The number of classes to list; the model has at least as many.
    let top: Int
    let format: PredictionFormat
    /// The width of the column of image names in a table. Units: characters.
    let labelWidth: Int

    /// The text for one image; empty for an error in a table.
    func text(_ image: ImageSource, _ result: Result<[Float], any Error>) -> String {
        switch result {
        case .success(let logits):
            let classification = Classification(logits: logits, classes: model.classes, top: top)
            switch format {
            case .table:
                let candidates = classification.top.map { (label: $0.label, probability: $0.probability) }
                return Self.row(candidates, label: image.label, width: labelWidth) + "\n"
            case .json:
                return PredictionEntry.answer(PredictionAnswer(classification, by: model, filename: image.path)).json
                    + "\n"
            case .csv:
                let classes = classification.top.flatMap { [$0.label, "\($0.index)", $0.probability.description] }
                return CSV.record([image.path] + classes + [model.version, ""])
            }
        case .failure(let error):
            switch format {
            case .table: return ""
            case .json: return PredictionEntry.error(status: nil, detail: "\(error)", filename: image.path).json + "\n"
            case .csv:
                let blanks = Array(repeating: "", count: 3 * top)
                return CSV.record([image.path] + blanks + ["", "\(error)"])
            }
        }
    }

    /// The file's name, then the classes by probability.
    static func row(_ candidates: [(label: String, probability: Float)], label: String, width: Int) -> String {
        let name = label.count > width ? "…" + label.suffix(width - 1) : label
        let texts = candidates.map { $0.label + " " + String(format: "%.1f %%", $0.probability * 100) }
        return name.padding(toLength: width, withPad: " ", startingAt: 0) + "  " + texts.joined(separator: "  ")
    }
}

/// Classifies some images together: they are decoded in parallel, followed by one forward pass.
struct PredictionBatch {
    let model: Model
    let decoder: ImageDecoder
    let workers: WorkerPool

    /// The logits of each image, or its error, in the order of the images.
    func run(_ images: [ImageSource]) -> [Result<[Float], any Error>] {
        let inputs = Mutex<[Result<Tensor, any Error>?]>(Array(repeating: nil, count: images.count))
        workers.parallelFor(images.count) { [model, decoder] index, _ in
            let input = Result<Tensor, any Error> {
                try decoder.input(images[index].read(), for: model.preprocessing)
            }
            inputs.withLock { $0[index] = input }
        }
        let decoded = inputs.withLock { $0.compactMap(\.self) }
        var logits = model.logits(decoded.compactMap { try? $0.get() })[...]
        return decoded.map { input in input.map { _ in logits.removeFirst() } }
    }
}
