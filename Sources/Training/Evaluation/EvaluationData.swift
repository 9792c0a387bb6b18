import Files
import Foundation
import Inference

/// The images that a model is evaluated on, and how they relate to its training data.
public struct EvaluationData: Sendable {
    /// How the images relate to the model's training data.
    public enum Origin: Sendable, Equatable {
        /// Unknown: there is no training record, or it is of other data.
        case unknown
        /// The data has the path of the training data, but its content has changed since.
        case changed
        /// The share that was held out of the training data. It selected the best epoch. The network was trained on
        /// `trainedCount` other images.
        case heldOut(trainedCount: Int)
        /// The data's own validation part. It selected the best epoch.
        case validation
        /// The data's own test or validation part. It did not select the best epoch: a share of the training part did.
        case untouched
        /// The model was trained on `count` of the images.
        case trained(count: Int)

        /// The number of these images that the model was trained on; nil if that is unknown.
        public var trainedCount: Int? {
            switch self {
            case .unknown, .changed: nil
            case .heldOut, .validation, .untouched: 0
            case .trained(let count): count
            }
        }

        /// The name in a report's JSON.
        public var name: String {
            switch self {
            case .unknown: "unknown"
            case .changed: "changed"
            case .heldOut: "held_out"
            case .validation: "validation"
            case .untouched: "untouched"
            case .trained: "trained"
            }
        }
    }

    /// The images.
    public let dataset: any Dataset
    /// How they relate to the model's training data.
    public let origin: Origin

    /// A sentence about the origin that a reader of the results needs; nil if none is needed.
    public var note: String? {
        switch origin {
        case .unknown, .untouched: nil
        case .changed:
            "The data have changed since the model was trained on them, so it may have been trained on some of these "
                + "images."
        case .heldOut(let trainedCount):
            "The model was trained on \(trainedCount) images of these data: only the \(dataset.count) that were held out "
                + "and chose its best epoch are evaluated; --all evaluates all of them."
        case .validation: "These \(dataset.count) images chose the model's best epoch; it was trained on none of them."
        case .trained(let count):
            "The model was trained on \(count == dataset.count ? "all" : "\(count)") of these \(dataset.count) images: "
                + "the result is better than on new images."
        }
    }
}

extension DataSource {
    /// The images to evaluate a model on: those that it was not trained on, as far as its training record tells.
    ///
    /// If the data is that of the record, these are the images that were held out. Otherwise it is the validation or
    /// test part, or the whole folder if there is none.
    /// - Parameter includesTrained: whether to use all images, including those that the model was trained on.
    /// - Throws: ``DatasetError`` if the data cannot be used.
    public func evaluation(
        of record: TrainingRecord?, includesTrained: Bool = false
    ) throws(DatasetError) -> EvaluationData {
        if let record {
            if let parts = parts(of: record) {
                return try evaluation(of: parts, isSplit: record.validationSplit != nil, includesTrained)
            }
            if let parts = partsAbove(of: record) {
                let whole = try evaluation()
                // This part was split for the training, or all of it was used for training.
                return record.validationSplit == nil || includesTrained
                    ? EvaluationData(dataset: whole, origin: .trained(count: parts.training.count))
                    : EvaluationData(
                        dataset: parts.validation, origin: .heldOut(trainedCount: parts.training.count))
            }
        }
        let dataset = includesTrained ? try everything() : try evaluation()
        let isChanged = !hasOwnValidation && record.map(isPlace(of:)) == true
        return EvaluationData(dataset: dataset, origin: isChanged ? .changed : .unknown)
    }

    private func evaluation(
        of parts: Parts, isSplit: Bool, _ includesTrained: Bool
    ) throws(DatasetError) -> EvaluationData {
        if includesTrained {
            return EvaluationData(dataset: try everything(), origin: .trained(count: parts.training.count))
        }
        guard hasOwnValidation else {
            return EvaluationData(
                dataset: parts.validation, origin: .heldOut(trainedCount: parts.training.count))
        }
        return isSplit
            ? EvaluationData(dataset: try evaluation(), origin: .untouched)
            : EvaluationData(dataset: parts.validation, origin: .validation)
    }

    /// The parts of a training, if this is its data; else nil.
    private func parts(of record: TrainingRecord) -> Parts? {
        // Data that cannot be loaded for training, such as data without a training part, can still be evaluated.
        guard let parts = try? load(validationSplit: record.validationSplit, seed: record.seed),
            parts.digest == record.dataDigest
        else { return nil }
        return parts
    }

    /// The parts of a training, if this is the training part of its data, as `flowers/train` is of `flowers`; else nil.
    private func partsAbove(of record: TrainingRecord) -> Parts? {
        guard kind == .folder else { return nil }
        let above = DataSource(.folder, path: URL(fileURLWithPath: path).deletingLastPathComponent().path)
        guard let training = above.trainingPath, Self.place(training) == Self.place(path) else { return nil }
        return above.parts(of: record)
    }

    /// Whether this is the path of a training's data.
    private func isPlace(of record: TrainingRecord) -> Bool {
        guard let other = try? DataSource(record.data), other.kind == kind else { return false }
        return Self.place(other.path) == Self.place(path)
    }

    private static func place(_ path: String) -> String {
        URL(fileURLWithPath: path).standardizedFileURL.resolvingSymlinksInPath().path
    }
}

/// The training record in `model.json`: the data, and which share of it was held out.
public struct TrainingRecord: Sendable, Equatable, Decodable {
    /// The argument of `--data`.
    public let data: String
    /// The data's SHA-256; see ``DataSource/Parts/digest``.
    public let dataDigest: String
    /// The share that was held out; nil if the data has a validation part, or if the default share was held out.
    public let validationSplit: Double?
    /// The training's seed, which determines the images that were held out.
    public let seed: UInt64

    private enum CodingKeys: String, CodingKey {
        case data, seed
        case dataDigest = "data_digest"
        case validationSplit = "validation_split"
    }

    /// The part of `model.json` that is decoded.
    private struct Description: Decodable {
        struct Training: Decodable { let settings: TrainingRecord }
        var checkpoint: String?
        var classes: String?
        var training: Training?

        private enum CodingKeys: String, CodingKey { case checkpoint, classes, training }

        /// Nil for a malformed file: loading the model reports that.
        init?(folder: String) {
            guard let bytes = try? FileSnapshot.bytes(of: folder + "/model.json", maxByteCount: maxByteCount),
                let description = try? JSONDecoder().decode(Self.self, from: Data(bytes))
            else { return nil }
            self = description
        }

        init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: CodingKeys.self)
            checkpoint = try? values.decode(String.self, forKey: .checkpoint)
            classes = try? values.decode(String.self, forKey: .classes)
            training = try? values.decode(Training.self, forKey: .training)
        }
    }

    /// The most bytes that are read of `model.json` and of a class map. Units: bytes.
    private static let maxByteCount = 16 << 20

    /// A training record for this data.
    public init(data: String, dataDigest: String, validationSplit: Double?, seed: UInt64) {
        self.data = data
        self.dataDigest = dataDigest
        self.validationSplit = validationSplit
        self.seed = seed
    }

    /// The training record in a model folder; nil if there is none.
    public init?(folder: String) {
        guard let record = Description(folder: folder)?.training?.settings else { return nil }
        self = record
    }

    /// The training record in the `model.json` beside a checkpoint; nil if there is none, or if it is of another
    /// checkpoint.
    public init?(checkpoint: String) {
        let (folder, name) = Self.place(of: checkpoint)
        guard let description = Description(folder: folder), description.checkpoint == name,
            let record = description.training?.settings
        else { return nil }
        self = record
    }

    /// The names of a checkpoint's classes, from the class map beside it; nil if there is none.
    public static func classNames(besideCheckpoint checkpoint: String) -> [String]? {
        let (folder, name) = place(of: checkpoint)
        let description = Description(folder: folder).flatMap { $0.checkpoint ?? name == name ? $0 : nil }
        let file = description?.classes ?? "class_indices.json"
        guard !file.contains("/"),
            let bytes = try? FileSnapshot.bytes(of: folder + "/" + file, maxByteCount: maxByteCount)
        else { return nil }
        return try? ClassMap(bytes).names
    }

    private static func place(of checkpoint: String) -> (folder: String, name: String) {
        let url = URL(fileURLWithPath: checkpoint).standardizedFileURL
        return (url.deletingLastPathComponent().path, url.lastPathComponent)
    }
}
