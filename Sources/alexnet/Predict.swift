import ArgumentParser
import Foundation
import Host
import Inference
import Server

/// `alexnet predict`: class and probability of pictures, without a server.
struct Predict: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Classify pictures: files, folders of them, or standard input (-).",
        discussion: """
            Prints a table on a terminal and, with --json, one line a picture as POST /predict answers it. Ends with 1 if \
            a picture could not be read; the others are answered all the same.
            """
    )

    @Argument(help: ArgumentHelp("Pictures, folders of pictures, or - for standard input.", valueName: "path"))
    var paths: [String]

    @OptionGroup var model: ModelOptions

    @Option(help: ArgumentHelp("How many classes to list.", valueName: "k"))
    var top = 5

    @Flag(help: "One line of JSON a picture.")
    var json = false

    @Option(help: ArgumentHelp("Threads (default: the cores this process may use).", valueName: "n"))
    var threads: Int?

    @Option(help: ArgumentHelp("Pictures in one forward pass at most.", valueName: "n"))
    var batchSize = 32

    @Option(help: ArgumentHelp("Width times height of a picture at most.", valueName: "n"))
    var maxPixels = 128_000_000

    @Flag(inversion: .prefixedNo, help: "Turn pictures as their EXIF orientation says.")
    var orientation = true

    @Option(help: ArgumentHelp("exact, or scaled: large JPEGs at 1/2, 1/4 or 1/8 of their size.", valueName: "mode"))
    var decode = DecodeMode.exact

    func validate() throws {
        guard top > 0 else { throw ValidationError("--top takes a whole number from 1 on, not \(top).") }
        guard 1...1024 ~= batchSize else { throw ValidationError("--batch-size takes 1 to 1024, not \(batchSize).") }
        guard maxPixels > 0 else { throw ValidationError("--max-pixels takes a whole number from 1 on.") }
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
        loaded.tellAssumptions()
        let (pictures, leftOut) = PictureSource.all(at: paths)
        OutputStream.error.tell(leftOut)
        let decoder = ImageDecoder(maxPixels: maxPixels, appliesOrientation: orientation, mode: decode)
        let printer = PredictionPrinter(model: loaded, top: top, isJSON: json, labelWidth: pictures.labelWidth)
        var progress = ProgressBar(total: pictures.count, unit: "pictures", isShown: isatty(STDOUT_FILENO) == 0)
        var failureCount = 0
        for start in stride(from: 0, to: pictures.count, by: batchSize) {
            let batch = Array(pictures[start..<min(start + batchSize, pictures.count)])
            let results = PredictionBatch(model: loaded, decoder: decoder, workers: workers).run(batch)
            progress.clear()
            for (picture, result) in zip(batch, results) {
                do {
                    try printer.write(picture, result)
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
