import ArgumentParser
import Foundation
import Inference
import Server

/// `alexnet bench`: how fast the network is here, or the way of an image to its input.
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

    @Option(
        name: .customLong("picture"),
        help: ArgumentHelp("Measure the decoding and resizing of an image, not the network.", valueName: "file"))
    var image: String?

    @Option(help: ArgumentHelp("How --picture is decoded: exact or scaled.", valueName: "mode"))
    var decode: DecodeMode?

    /// Fewer runs have no median worth the name.
    private static let minRunCount = 5

    func validate() throws {
        _ = try batchSizes()
        if decode != nil, image == nil { throw ValidationError("--decode belongs to --picture.") }
        if layers, image != nil {
            throw ValidationError("--layers are the network's; --picture measures no network.")
        }
        if training, layers || image != nil {
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
        if let image { return try measure(ImageSource(path: image)) }
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

    private func measure(_ image: ImageSource) throws {
        do {
            var preprocessing = Preprocessing.preset(model.source.preprocessing ?? .imagenet, input: [3, 224, 224])
            if model.isNamed {
                preprocessing = try ModelLoader(workers: WorkerPool(threadCount: 1)).load(try model.files())
                    .preprocessing
            }
            let bench = ImageBench(
                image: image, decoder: ImageDecoder(mode: decode ?? .exact), preprocessing: preprocessing)
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

/// Writes measurements to standard output: a table for people, or a line of JSON a row.
struct BenchPrinter {
    let model: Model
    let threadCount: Int
    let isJSON: Bool

    private struct Row: Encodable {
        let model: String
        let precision: String
        let threads: Int
        let batch: Int
        let imagesPerSecond: Double
        let milliseconds: Double

        private enum CodingKeys: String, CodingKey {
            case model, precision, threads, batch, milliseconds
            case imagesPerSecond = "images_per_second"
        }
    }

    private struct LayerRow: Encodable {
        let batch: Int
        let layer: String
        let algorithm: String
        let milliseconds: Double
        let gigaflops: Double
        let share: Double
    }

    func writeHeader() {
        if !isJSON {
            print("\(model.name) (\(model.architecture), \(model.precision.rawValue)), \(threadCount) threads")
        }
    }

    /// The median of some runs of one batch size, which are in ascending order.
    func write(_ profiles: [RunProfile]) {
        let median = profiles[profiles.count / 2]
        let milliseconds = Self.milliseconds(median.duration)
        let rate = Double(median.batchSize) / milliseconds * 1000
        if isJSON {
            writeJSON(
                Row(
                    model: model.name, precision: model.precision.rawValue, threads: threadCount,
                    batch: median.batchSize,
                    imagesPerSecond: rate, milliseconds: milliseconds))
        } else {
            print(
                String(
                    format: "batch %4d  %9.1f images/s  %9.3f ms", median.batchSize, rate, milliseconds))
        }
    }

    /// The median of each layer.
    func writeLayers(_ profiles: [RunProfile]) {
        let total = Self.milliseconds(profiles[profiles.count / 2].duration)
        let width = profiles[0].steps.reduce(18) { max($0, $1.node.count + 1) }
        for (index, step) in profiles[0].steps.enumerated() {
            let sorted = profiles.map { Self.milliseconds($0.steps[index].duration) }.sorted()
            let milliseconds = sorted[sorted.count / 2]
            let gigaflops = Double(2 * step.multiplyAddCount) / milliseconds / 1e6
            if isJSON {
                writeJSON(
                    LayerRow(
                        batch: profiles[0].batchSize, layer: step.node, algorithm: step.algorithm,
                        milliseconds: milliseconds, gigaflops: gigaflops, share: milliseconds / total))
            } else {
                let label = step.node.padding(toLength: width, withPad: " ", startingAt: 0)
                let algorithm = step.algorithm.padding(toLength: 14, withPad: " ", startingAt: 0)
                print(
                    "  " + label + algorithm
                        + String(
                            format: "%9.3f ms %8.1f GFLOP/s %5.1f %%", milliseconds, gigaflops,
                            milliseconds / total * 100))
            }
        }
    }

    private func writeJSON(_ row: some Encodable) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if let line = try? encoder.encode(row) { print(String(decoding: line, as: UTF8.self)) }
    }

    private static func milliseconds(_ duration: Duration) -> Double {
        let (seconds, attoseconds) = duration.components
        return Double(seconds) * 1e3 + Double(attoseconds) * 1e-15
    }
}
