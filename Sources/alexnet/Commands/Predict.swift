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
            """
    )

    @Argument(help: ArgumentHelp("Images, folders of images, or - for standard input.", valueName: "path"))
    var paths: [String]

    @OptionGroup var model: ModelOptions

    @Option(help: ArgumentHelp("How many classes to list.", valueName: "k"))
    var top = 5

    @Flag(help: "Print one JSON object for each image.")
    var json = false

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
        let decoder = ImageDecoder(maxPixels: maxPixels, appliesOrientation: orientation, mode: decode)
        let printer = PredictionPrinter(model: loaded, top: top, isJSON: json, labelWidth: images.labelWidth)
        var progress = ProgressBar(total: images.count, unit: "images", isShown: isatty(STDOUT_FILENO) == 0)
        var failureCount = 0
        for start in stride(from: 0, to: images.count, by: batchSize) {
            let batch = Array(images[start..<min(start + batchSize, images.count)])
            let results = PredictionBatch(model: loaded, decoder: decoder, workers: workers).run(batch)
            progress.clear()
            for (image, result) in zip(batch, results) {
                do {
                    try printer.write(image, result)
                } catch {
                    throw Failure.work(error)
                }
                if case .failure = result { failureCount += 1 }
            }
            progress.advance(by: batch.count)
        }
        progress.clear()
        if failureCount > 0 { throw ExitCode(Failure.workCode) }
    }
}

/// Prints predictions as a table or as lines of JSON.
struct PredictionPrinter {
    /// The model that makes the predictions.
    let model: Model
    /// The number of classes to list.
    let top: Int
    /// Whether to print JSON instead of a table.
    let isJSON: Bool
    /// The width of the column of image names. Units: characters.
    let labelWidth: Int

    /// - Throws: ``OutputStream/Failure`` if standard output cannot be written.
    func write(_ image: ImageSource, _ result: Result<[Float], any Error>) throws(OutputStream.Failure) {
        switch result {
        case .success(let logits):
            let classification = Classification(logits: logits, classes: model.classes, top: top)
            if isJSON {
                try writeJSON(.answer(PredictionAnswer(classification, by: model, filename: image.path)))
            } else {
                let candidates = classification.top.map { (label: $0.label, probability: $0.probability) }
                try OutputStream.output.write(Self.row(candidates, label: image.label, width: labelWidth) + "\n")
            }
        case .failure(let error):
            if isJSON { try writeJSON(.error(status: nil, detail: "\(error)", filename: image.path)) }
            OutputStream.error.writeIfPossible("alexnet: \(image.label): \(error)\n")
        }
    }

    private func writeJSON(_ entry: PredictionEntry) throws(OutputStream.Failure) {
        try OutputStream.output.write(entry.json + "\n")
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
