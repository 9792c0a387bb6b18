import ArgumentParser
import Files
import Foundation
import Host
import Inference
import Server
import Threads
import Training

/// `alexnet quantize`: makes a model that is computed in 8-bit integers.
struct Quantize: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make a model that is computed in 8-bit integers: faster, a quarter of the size.",
        discussion: """
            Typical images show the range of each layer's input (calibration). Weights become signed bytes with a scale for \
            each output, inputs become unsigned bytes, and their products are summed exactly, so that the logits are the same \
            on every CPU. The output is a model folder, which every command takes and the server serves.

            The data are a folder of images, or published files: fashion-mnist:DIR, mnist:DIR, cifar10:DIR or cifar100:DIR. \
            Calibration takes images of the training part. The quantized model is then compared with the original on the \
            validation or test part; if the images are in one folder for each class, accuracy is compared too. If the models \
            agree on fewer images than --agreement asks for, nothing is written.
            """
    )

    @OptionGroup var model: ModelOptions

    @Option(help: ArgumentHelp("FOLDER, fashion-mnist:DIR, mnist:DIR, cifar10:DIR or cifar100:DIR.", valueName: "data"))
    var data: String

    @Option(help: ArgumentHelp("The model folder to write.", valueName: "directory"))
    var output: String

    @Option(help: ArgumentHelp("The number of images for calibration.", valueName: "n"))
    var images = 512

    @Option(
        help: ArgumentHelp("Compare on an evenly spaced sample of this many images (default: all).", valueName: "n"))
    var limit: Int?

    @Option(
        help: ArgumentHelp(
            "The least share of images on which both models predict the same class, 0 to 1; 0 writes any result.",
            valueName: "share"))
    var agreement = 0.97

    @Option(help: ArgumentHelp("Write the report as JSON; - prints it instead of the lines.", valueName: "file"))
    var json: String?

    @Option(help: ArgumentHelp("Threads (default: the cores this process may use).", valueName: "n"))
    var threads: Int?

    @Flag(help: "Replace the output if it is a quantized model.")
    var force = false

    func validate() throws {
        guard 1...100_000 ~= images else { throw ValidationError("--images takes 1 to 100000, not \(images).") }
        if let limit, limit < 1 { throw ValidationError("--limit takes a whole number from 1 on, not \(limit).") }
        guard 0...1 ~= agreement else { throw ValidationError("--agreement takes 0 to 1, not \(agreement).") }
        if let threads, !(1...1024 ~= threads) { throw ValidationError("--threads takes 1 to 1024, not \(threads).") }
        if let precision = model.source.precision, precision != .float32 {
            throw ValidationError("--precision is for the model that is read; quantize it in float32.")
        }
    }

    func run() throws {
        let workers = try CommandThreads.pool(threads)
        ComputeEnvironment.warnings.forEach { OutputStream.error.writeIfPossible("alexnet: \($0)\n") }
        do {
            let folder = try ReplacedFolder(output, replaces: force)
            if let json, json != "-" { try AtomicFile(json).abandon() }
            let loader = ModelLoader(
                workers: workers, tuning: .cached(limit: .seconds(1), threadCount: workers.threadCount),
                precision: .float32)
            let files = try model.files()
            let original = try loader.load(files)
            guard !original.isQuantized else { throw QuantizedAlready(name: original.name) }
            original.printAssumptions()
            let source = try DataSource(data, needsClasses: false)
            let parts = try? source.load()
            let measured = try source.evaluation(of: model.trainingRecord)
            if let note = measured.note { OutputStream.error.writeIfPossible("alexnet: \(note)\n") }
            OutputStream.error.report(measured.dataset.ignored)

            let calibration = parts?.training ?? measured.dataset
            let (network, imageCount) = try calibrate(original, on: calibration, workers)
            let record = [
                "format": "pt",
                "quantization": "int8, symmetric weights for each output, inputs by least squared error",
                "calibration_images": "\(imageCount)", "calibration_data": parts?.digest ?? "unknown",
                "original_version": original.version,
            ]
            try QuantizedFolder(files, of: original, loader: loader).write(network, to: folder.path, record: record)
            let quantized = try loader.load(ModelFiles(folder: folder.path))
            let report = QuantizationReport(
                model: original.name, calibrationImageCount: imageCount,
                comparison: try compare(original, quantized, on: measured.dataset, workers),
                originalByteCount: files.checkpointByteCount ?? 0,
                byteCount: (try? ModelFiles(folder: folder.path).located().checkpointByteCount) ?? 0,
                originalSeconds: Self.seconds(of: original), seconds: Self.seconds(of: quantized))
            try write(report)
            guard report.comparison.agreement >= agreement else {
                throw TooFewAgree(share: report.comparison.agreement, least: agreement)
            }
            try folder.commit()
            if json != "-" { try OutputStream.output.write("written to \(output)\n") }
        } catch {
            throw Failure.work(error)
        }
    }

    /// Observes an evenly spaced sample of the images.
    private func calibrate(
        _ model: Model, on data: any Dataset, _ workers: WorkerPool
    ) throws -> (network: Network, imageCount: Int) {
        var calibration = Calibration(model.network, workers: workers)
        let count = min(images, data.count)
        var progress = ProgressBar(total: count, unit: "images", label: "calibrate", isShown: true)
        defer { progress.clear() }
        var firstError: DatasetError?
        for index in 0..<count {
            do throws(DatasetError) {
                calibration.observe(model.preprocessing(try data.image(at: index * data.count / count)))
            } catch {
                firstError = firstError ?? error
            }
            progress.advance(by: 1)
        }
        guard calibration.imageCount > 0 else { throw firstError ?? NoImages(data: self.data) as any Error }
        return (calibration.quantized(), calibration.imageCount)
    }

    private func compare(
        _ original: Model, _ quantized: Model, on data: any Dataset, _ workers: WorkerPool
    ) throws -> ModelComparison {
        let mapping = try? LabelMapping(dataClasses: data.classNames, modelClasses: original.classes.names)
        var progress = ProgressBar(
            total: min(limit ?? .max, data.count), unit: "images", label: "compare", isShown: true)
        defer { progress.clear() }
        let comparison = ModelComparison(
            original, quantized, on: data, mapping: mapping, limit: limit ?? .max, workers: workers
        ) { progress.advance(by: $0) }
        guard comparison.imageCount > 0 else { throw NoImages(data: self.data) }
        return comparison
    }

    private func write(_ report: QuantizationReport) throws {
        if json != "-" { try OutputStream.output.write(report.text) }
        guard let json else { return }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let text = String(decoding: try encoder.encode(report), as: UTF8.self) + "\n"
        if json == "-" { try OutputStream.output.write(text) } else { try AtomicFile.write(text, to: json) }
    }

    /// The time of an image in batches of 8: the median of several runs. Units: seconds.
    private static func seconds(of model: Model) -> Double {
        let (batchSize, runCount) = (8, 5)
        _ = model.profile(batchSize: batchSize)
        let times = (0..<runCount).map { _ -> Double in
            let start = ContinuousClock.now
            _ = model.profile(batchSize: batchSize)
            return (.now - start) / .seconds(1) / Double(batchSize)
        }
        return times.sorted()[runCount / 2]
    }
}

/// What `alexnet quantize` reports.
struct QuantizationReport: Encodable {
    let model: String
    let calibrationImageCount: Int
    let comparison: ModelComparison
    /// The size of the checkpoints. Units: bytes.
    let originalByteCount: Int
    let byteCount: Int
    /// The time of an image in batches of 8. Units: seconds.
    let originalSeconds: Double
    let seconds: Double

    private enum CodingKeys: String, CodingKey {
        case model, images, agreement
        case calibrationImageCount = "calibration_images"
        case largestDifference = "largest_difference"
        case meanDifference = "mean_difference"
        case originalAccuracy = "accuracy_before"
        case accuracy = "accuracy_after"
        case originalByteCount = "bytes_before"
        case byteCount = "bytes_after"
        case originalSeconds = "seconds_per_image_before"
        case seconds = "seconds_per_image_after"
    }

    func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(model, forKey: .model)
        try values.encode(calibrationImageCount, forKey: .calibrationImageCount)
        try values.encode(comparison.imageCount, forKey: .images)
        try values.encode(comparison.agreement, forKey: .agreement)
        try values.encode(comparison.largestDifference, forKey: .largestDifference)
        try values.encode(comparison.meanDifference, forKey: .meanDifference)
        try values.encode(comparison.accuracies?.original, forKey: .originalAccuracy)
        try values.encode(comparison.accuracies?.other, forKey: .accuracy)
        try values.encode(originalByteCount, forKey: .originalByteCount)
        try values.encode(byteCount, forKey: .byteCount)
        try values.encode(originalSeconds, forKey: .originalSeconds)
        try values.encode(seconds, forKey: .seconds)
    }

    var text: String {
        func percent(_ share: Double) -> String { String(format: "%.2f %%", 100 * share) }
        var lines = [
            "\(model), calibrated on \(Count.grouped(calibrationImageCount)) images, compared on "
                + "\(Count.grouped(comparison.imageCount))",
            "  same class        \(percent(comparison.agreement))",
            String(
                format: "  probabilities     differ by %.1e on average, %.1e at most", comparison.meanDifference,
                comparison.largestDifference),
        ]
        if let accuracies = comparison.accuracies {
            lines.append(
                "  accuracy          \(percent(accuracies.original)) in float32, \(percent(accuracies.other)) in int8")
        }
        lines.append(
            "  checkpoint        \(Count.grouped(originalByteCount)) bytes, now \(Count.grouped(byteCount))")
        lines.append(
            String(
                format: "  images a second   %.0f in float32, %.0f in int8 (batches of 8, the network alone)",
                1 / originalSeconds, 1 / seconds))
        return lines.joined(separator: "\n") + "\n"
    }
}

/// A folder that is written beside its final place, and moved there when it is complete.
final class ReplacedFolder {
    /// The path to write to.
    let path: String
    private let output: String

    /// The files of a quantized model. A folder that holds anything else is never removed.
    private static let names: Set<String> = ["class_indices.json", "model.json", "model.safetensors"]

    /// - Parameter replaces: whether an existing quantized model may be replaced.
    /// - Throws: ``OutputExists``, or ``OutputHoldsOthers`` if the output is something else than a quantized model.
    init(_ output: String, replaces: Bool) throws {
        let url = URL(fileURLWithPath: output).standardizedFileURL
        self.output = url.path
        if FileManager.default.fileExists(atPath: url.path), !replaces { throw OutputExists(path: output) }
        if FileManager.default.fileExists(atPath: url.path) {
            let found = try? FileManager.default.contentsOfDirectory(atPath: url.path)
            let isQuantized =
                (try? Checkpoint(contentsOf: url.path + "/model.safetensors").isQuantized) ?? found?.isEmpty
            guard let found, Self.names.isSuperset(of: found), isQuantized == true else {
                throw OutputHoldsOthers(path: output)
            }
        }
        let name = ".\(url.lastPathComponent).\(ProcessInfo.processInfo.processIdentifier)"
        path = url.deletingLastPathComponent().appendingPathComponent(name).path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Moves the folder to its place.
    func commit() throws {
        if FileManager.default.fileExists(atPath: output) { try FileManager.default.removeItem(atPath: output) }
        try FileManager.default.moveItem(atPath: path, toPath: output)
    }
}

/// What would be replaced is not a quantized model, so that removing it could lose what cannot be made again.
struct OutputHoldsOthers: Error, CustomStringConvertible {
    let path: String

    var description: String {
        "\(path) is not a folder with a quantized model alone, so --force does not replace it; give another --output."
    }
}

/// The quantized model differs from the original too often.
struct TooFewAgree: Error, CustomStringConvertible {
    let share: Double
    let least: Double

    var description: String {
        String(
            format:
                "nothing was written: both models predict the same class for %.2f %% of the images, and --agreement asks "
                + "for %.2f %%. Calibrate with more images (--images), or accept this result with a lower --agreement.",
            100 * share, 100 * least)
    }
}

/// The model is quantized already.
struct QuantizedAlready: Error, CustomStringConvertible {
    let name: String

    var description: String { "\(name) is quantized already; quantize the model that it was made from." }
}

/// None of the images can be read.
struct NoImages: Error, CustomStringConvertible {
    let data: String

    var description: String { "None of the images in \(data) can be read." }
}
