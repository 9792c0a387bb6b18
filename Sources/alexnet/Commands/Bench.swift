import ArgumentParser
import Foundation
import Host
import Inference
import Server
import Threads

/// `alexnet bench`: measures inference, training steps, or the preprocessing of an image.
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure the speed of a network, or with --picture that of decoding and preprocessing.",
        discussion: """
            Prints the median of several runs for each batch size, as a table or with --json as one JSON object a line. \
            --layers adds each layer's time, its algorithm, the GFLOP/s by the layer's definition, and how near it comes to \
            what this machine can compute (arithmetic) or read (memory), whichever takes longer. --training measures \
            training steps. --picture measures one thread from a file's bytes to the network's input: that of the model, or \
            without --model and --checkpoint 3×224×224 with --preprocessing (default: imagenet).
            """
    )

    @OptionGroup var model: ModelOptions

    @Option(help: ArgumentHelp("Batch sizes, separated by commas.", valueName: "n,…"))
    var batch = "1,8,32"

    @Option(help: ArgumentHelp("Threads (default: the cores this process may use).", valueName: "n"))
    var threads: Int?

    @Option(help: ArgumentHelp("How long each batch size is measured, in seconds.", valueName: "s"))
    var seconds = 2.0

    @Flag(help: "Print one JSON object a line.")
    var json = false

    @Flag(help: "Print the time of each layer too.")
    var layers = false

    @Flag(help: "Measure training steps (forward, backward, Adam) on random input.")
    var training = false

    @Option(
        name: .customLong("picture"),
        help: ArgumentHelp("Measure the decoding and preprocessing of this image, not the network.", valueName: "file"))
    var image: String?

    @Option(help: ArgumentHelp("How --picture is decoded: exact or scaled.", valueName: "mode"))
    var decode: DecodeMode?

    /// The least number of runs for a meaningful median.
    private static let minRunCount = 5

    func validate() throws {
        _ = try batchSizes()
        if decode != nil, image == nil { throw ValidationError("--decode belongs to --picture.") }
        if layers, image != nil {
            throw ValidationError("--layers cannot be combined with --picture, which measures no network.")
        }
        if training, layers || image != nil {
            throw ValidationError("--training measures whole steps; it cannot be combined with --layers or --picture.")
        }
        guard seconds > 0, seconds <= 3600 else { throw ValidationError("--seconds takes a number up to 3600.") }
        if let threads, !(1...1024 ~= threads) { throw ValidationError("--threads takes 1 to 1024, not \(threads).") }
    }

    private func batchSizes() throws -> [Int] {
        try batch.split(separator: ",", omittingEmptySubsequences: false).map { text in
            guard let size = Int(text), 1...1024 ~= size else {
                throw ValidationError(
                    "--batch takes sizes from 1 to 1024, separated by commas, as 1,8,32, not \(batch).")
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
        let printer = BenchPrinter(
            model: loaded, threadCount: workers.threadCount, speed: layers ? .measured(on: workers) : nil, isJSON: json)
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

    /// Runs batches until the time is up, after two warm-up runs. The result is sorted by ascending duration.
    private func measure(_ model: Model, batchSize: Int) -> [RunProfile] {
        for _ in 0..<2 { _ = model.profile(batchSize: batchSize) }
        var profiles: [RunProfile] = []
        let end = ContinuousClock.now + .seconds(seconds)
        while profiles.count < Self.minRunCount || .now < end { profiles.append(model.profile(batchSize: batchSize)) }
        return profiles.sorted { $0.duration < $1.duration }
    }
}

/// Prints the measurements of inference as a table or as lines of JSON.
struct BenchPrinter {
    let model: Model
    let threadCount: Int
    /// The limits of this machine, for the rows of layers.
    let speed: MachineSpeed?
    let isJSON: Bool

    private struct Row: Encodable {
        /// The model's name.
        let model: String
        /// The precision of the linear layers' weights.
        let precision: String
        /// The number of threads.
        let threads: Int
        /// The batch size. Units: images.
        let batch: Int
        /// The throughput: the batch size divided by the duration of a run. Units: images per second.
        let imagesPerSecond: Double
        /// The duration of a run. Units: milliseconds.
        let milliseconds: Double

        private enum CodingKeys: String, CodingKey {
            case model, precision, threads, batch, milliseconds
            case imagesPerSecond = "images_per_second"
        }
    }

    private struct LayerRow: Encodable {
        /// The batch size. Units: images.
        let batch: Int
        /// The layer's name.
        let layer: String
        /// The algorithm that computes it.
        let algorithm: String
        /// The layer's time in a run. Units: milliseconds.
        let milliseconds: Double
        /// The arithmetic throughput by the layer's definition, whatever the algorithm performs. Units: GFLOP/s.
        let gigaflops: Double
        /// The layer's share of the run, 0…1.
        let share: Double
        /// `arithmetic` or `memory`, whichever limits the layer; nil for those that do neither.
        let bound: String?
        /// How near the layer comes to that limit, which is 1; above 1 where a cache holds weights.
        let boundShare: Double?

        private enum CodingKeys: String, CodingKey {
            case batch, layer, algorithm, milliseconds, gigaflops, share, bound
            case boundShare = "bound_share"
        }
    }

    /// Prints the model's name and the number of threads; nothing with JSON.
    func writeHeader() {
        if !isJSON {
            print("\(model.name) (\(model.architecture), \(model.precisionName)), \(threadCount) threads")
            if let speed {
                print("limits: \(speed.allThreads.text)")
            }
        }
    }

    /// Prints the median run of one batch size. The runs are sorted by duration.
    func write(_ profiles: [RunProfile]) {
        let median = profiles[profiles.count / 2]
        let milliseconds = median.duration / .milliseconds(1)
        let rate = Double(median.batchSize) / milliseconds * 1000
        if isJSON {
            writeJSON(
                Row(
                    model: model.name, precision: model.precisionName, threads: threadCount,
                    batch: median.batchSize,
                    imagesPerSecond: rate, milliseconds: milliseconds))
        } else {
            print(
                String(
                    format: "batch %4d  %9.1f images/s  %9.3f ms", median.batchSize, rate, milliseconds))
        }
    }

    /// Prints the median time of each layer.
    func writeLayers(_ profiles: [RunProfile]) {
        let total = profiles[profiles.count / 2].duration / .milliseconds(1)
        let width = profiles[0].steps.reduce(18) { max($0, $1.node.count + 1) }
        for index in profiles[0].steps.indices {
            let sorted = profiles.map { $0.steps[index] }.sorted { $0.duration < $1.duration }
            let step = sorted[sorted.count / 2]
            let milliseconds = step.duration / .milliseconds(1)
            let gigaflops = Double(2 * step.multiplyAddCount) / milliseconds / 1e6
            let bound = speed.flatMap { step.bound(on: $0.allThreads) }
            if isJSON {
                writeJSON(
                    LayerRow(
                        batch: profiles[0].batchSize, layer: step.node, algorithm: step.algorithm,
                        milliseconds: milliseconds, gigaflops: gigaflops, share: milliseconds / total,
                        bound: bound?.limit.rawValue, boundShare: bound?.share))
            } else {
                let label = step.node.padding(toLength: width, withPad: " ", startingAt: 0)
                let algorithm = step.algorithm.padding(toLength: 14, withPad: " ", startingAt: 0)
                let numbers = String(
                    format: "%9.3f ms %8.1f GFLOP/s %5.1f %%", milliseconds, gigaflops, milliseconds / total * 100)
                let nearness = bound.map {
                    String(format: "  %3.0f %% of \($0.limit.rawValue)", $0.share * 100)
                }
                print("  " + label + algorithm + numbers + (nearness ?? ""))
            }
        }
    }

    private func writeJSON(_ row: some Encodable) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if let line = try? encoder.encode(row) { print(String(decoding: line, as: UTF8.self)) }
    }
}
