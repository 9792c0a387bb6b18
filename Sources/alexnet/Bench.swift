import ArgumentParser
import Foundation
import Host
import Inference
import Server
import Threads

/// `alexnet bench`: how fast the network is here, or the way of a picture to its input.
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure the network alone, or with --picture what leads to its input.",
        discussion: """
            Prints the median of several runs for each batch size: a table on a terminal and, with --json, one line a row. \
            --layers tells what each layer takes, by which algorithm, and how many GFLOP/s of its definition that is. \
            --training measures steps of training. --picture measures one thread from a file's bytes to the network's input instead: to the model's that is named, \
            else to 3×224×224 by --preprocessing, which is imagenet unless it is given.
            """
    )

    @OptionGroup var model: ModelOptions

    @Option(help: ArgumentHelp("Batch sizes.", valueName: "n,…"))
    var batch = "1,8,32"

    @Option(help: ArgumentHelp("Threads (default: the cores this process may use).", valueName: "n"))
    var threads: Int?

    @Option(help: ArgumentHelp("How long each batch size is measured.", valueName: "s"))
    var seconds = 2.0

    @Flag(help: "One line of JSON a row.")
    var json = false

    @Flag(help: "What each layer takes.")
    var layers = false

    @Flag(help: "Measure training steps (forward, backward, Adam) on noise, not predictions.")
    var training = false

    @Option(help: ArgumentHelp("Measure the decoding and resizing of a picture, not the network.", valueName: "file"))
    var picture: String?

    @Option(help: ArgumentHelp("How --picture is decoded: exact or scaled.", valueName: "mode"))
    var decode: DecodeMode?

    /// Fewer runs have no median worth the name.
    private static let minRunCount = 5

    func validate() throws {
        _ = try batchSizes()
        if decode != nil, picture == nil { throw ValidationError("--decode belongs to --picture.") }
        if layers, picture != nil {
            throw ValidationError("--layers are the network's; --picture measures no network.")
        }
        if training, layers || picture != nil {
            throw ValidationError("--training measures whole steps; it goes with neither --layers nor --picture.")
        }
        guard seconds > 0, seconds <= 3600 else { throw ValidationError("--seconds takes a number up to 3600.") }
        if let threads, !(1...1024 ~= threads) { throw ValidationError("--threads takes 1 to 1024, not \(threads).") }
    }

    private func batchSizes() throws -> [Int] {
        try batch.split(separator: ",", omittingEmptySubsequences: false).map { text in
            guard let size = Int(text), 1...1024 ~= size else {
                throw ValidationError(
                    "--batch takes sizes from 1 to 1024 with commas between, as 1,8,32, not \(batch).")
            }
            return size
        }
    }

    func run() throws {
        if let picture { return try measure(PictureSource(path: picture)) }
        let workers = try CommandThreads.pool(threads)
        let loaded: Model
        do {
            loaded = try ModelLoader(
                workers: workers, tuning: .cached(limit: .seconds(1), threadCount: workers.threadCount),
                precision: model.source.precision
            ).load(try model.files())
        } catch {
            throw Failure.work(error)
        }
        ComputeEnvironment.warnings.forEach { OutputStream.error.writeIfPossible("alexnet: \($0)\n") }
        if training { return try measureTraining(of: loaded, workers) }
        let printer = BenchPrinter(model: loaded, threadCount: workers.threadCount, isJSON: json)
        printer.writeHeader()
        for batchSize in try batchSizes() {
            let profiles = measure(loaded, batchSize: batchSize)
            printer.write(profiles)
            if layers { printer.writeLayers(profiles) }
        }
    }

    private func measureTraining(of model: Model, _ workers: WorkerPool) throws {
        if !json { print("\(model.name) (\(model.architecture)), \(workers.threadCount) threads") }
        for batchSize in try batchSizes() {
            do {
                let bench = TrainingBench(model: model, workers: workers)
                try bench.measure(batchSize: batchSize, seconds: seconds).write(isJSON: json)
            } catch {
                throw Failure.work(error)
            }
        }
    }

    private func measure(_ picture: PictureSource) throws {
        do {
            var preprocessing = Preprocessing.preset(model.source.preprocessing ?? .imagenet, input: [3, 224, 224])
            if model.isNamed {
                preprocessing = try ModelLoader(workers: WorkerPool(threadCount: 1)).load(try model.files())
                    .preprocessing
            }
            let bench = PictureBench(
                picture: picture, decoder: ImageDecoder(mode: decode ?? .exact), preprocessing: preprocessing)
            try bench.measure(seconds: seconds).write(isJSON: json)
        } catch {
            throw Failure.work(error)
        }
    }

    /// Runs until the time is up, after two runs that nobody counts; by ascending duration.
    private func measure(_ model: Model, batchSize: Int) -> [RunProfile] {
        for _ in 0..<2 { _ = model.profile(batchSize: batchSize) }
        var profiles: [RunProfile] = []
        let end = ContinuousClock.now + .seconds(seconds)
        while profiles.count < Self.minRunCount || .now < end { profiles.append(model.profile(batchSize: batchSize)) }
        return profiles.sorted { $0.duration < $1.duration }
    }
}
