import Foundation
import Inference

/// What a model is measured on, and what is known of whether it was trained on it.
public struct EvaluationData: Sendable {
    /// What is known of the images.
    public enum Origin: Sendable, Equatable {
        /// Nothing: no record of a training, or one on other data.
        case unknown
        /// Data at the place of those that the model was trained on, but changed since.
        case changed
        /// What was held out of the data when the rest was trained on; it chose the best epoch.
        case heldOut(trainedCount: Int)
        /// The data's own part for validation; it chose the best epoch.
        case validation
        /// The data's own part for testing or validation, where the best epoch was chosen on a share of the rest.
        case untouched
        /// So many of the images were trained on.
        case trained(count: Int)

        /// How many of the images were trained on; nil where nobody knows.
        public var trainedCount: Int? {
            switch self {
            case .unknown, .changed: nil
            case .heldOut, .validation, .untouched: 0
            case .trained(let count): count
            }
        }

        /// As a report has it.
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

    public let dataset: any Dataset
    public let origin: Origin

    /// What whoever reads the figures has to know, as a sentence; nil for nothing.
    public var note: String? {
        switch origin {
        case .unknown, .untouched: nil
        case .changed:
            "The data have changed since the model was trained on them, so that some of these images may be among those "
                + "that it learnt from."
        case .heldOut(let trainedCount):
            "The model was trained on \(trainedCount) images of these data: only the \(dataset.count) that were held out "
                + "and chose its best epoch are measured; --all measures the others too."
        case .validation: "These \(dataset.count) images chose the model's best epoch; it learnt from none of them."
        case .trained(let count):
            "The model was trained on \(count == dataset.count ? "all" : "\(count)") of these \(dataset.count) images: "
                + "what is measured is memory too."
        }
    }
}

extension DataSource {
    /// What a model is measured on: what it has not learnt from, as far as its record tells.
    ///
    /// Without a record, or with that of other data: the validation or test part where there is one, and else all of the
    /// folder. Where the data are those of the record, what was held out of them.
    /// - Parameter includesTrained: takes all of the data, what the model has learnt from too.
    /// - Throws: ``DatasetError`` where the data cannot be used.
    public func evaluation(
        of record: TrainingRecord?, includesTrained: Bool = false
    ) throws(DatasetError) -> EvaluationData {
        if let record {
            if let parts = parts(of: record) {
                return try evaluation(of: parts, isSplit: record.validationSplit != nil, includesTrained)
            }
            if let parts = partsAbove(of: record) {
                let whole = try evaluation()
                // Held out of this very part, or all of it was learnt from.
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

    /// The parts that a training had, where these are its data.
    private func parts(of record: TrainingRecord) -> Parts? {
        // What cannot be loaded for training, for want of a training part say, may still be evaluated.
        guard let parts = try? load(validationSplit: record.validationSplit, seed: record.seed),
            parts.digest == record.dataDigest
        else { return nil }
        return parts
    }

    /// The same, where this is the part to learn from of a training's data: `flowers/train` of `flowers`.
    private func partsAbove(of record: TrainingRecord) -> Parts? {
        guard kind == .folder else { return nil }
        let above = DataSource(.folder, path: URL(fileURLWithPath: path).deletingLastPathComponent().path)
        guard let training = above.trainingPath, Self.place(training) == Self.place(path) else { return nil }
        return above.parts(of: record)
    }

    /// Whether a training found its data where these lie.
    private func isPlace(of record: TrainingRecord) -> Bool {
        guard let other = try? DataSource(record.data), other.kind == kind else { return false }
        return Self.place(other.path) == Self.place(path)
    }

    private static func place(_ path: String) -> String {
        URL(fileURLWithPath: path).standardizedFileURL.resolvingSymlinksInPath().path
    }
}

/// What a model's `model.json` tells of its training: on which data, and which share of them was held out.
public struct TrainingRecord: Sendable, Equatable, Decodable {
    /// As `--data` named them.
    public let data: String
    /// See ``DataSource/Parts/digest``.
    public let dataDigest: String
    /// nil where the data had a part for validation, or the default share was held out.
    public let validationSplit: Double?
    /// Decides which images were held out.
    public let seed: UInt64

    private enum CodingKeys: String, CodingKey {
        case data, seed
        case dataDigest = "data_digest"
        case validationSplit = "validation_split"
    }

    /// What is read of `model.json`.
    private struct Description: Decodable {
        struct Training: Decodable { let settings: TrainingRecord }
        var checkpoint: String?
        var classes: String?
        var training: Training?

        private enum CodingKeys: String, CodingKey { case checkpoint, classes, training }

        /// Whatever is not as expected counts as not said: loading the model tells what is wrong.
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

    /// Limits: the most bytes that are read of `model.json` and of a class map.
    private static let maxByteCount = 16 << 20

    public init(data: String, dataDigest: String, validationSplit: Double?, seed: UInt64) {
        self.data = data
        self.dataDigest = dataDigest
        self.validationSplit = validationSplit
        self.seed = seed
    }

    /// That of a model folder; nil where it tells of no training.
    public init?(folder: String) {
        guard let record = Description(folder: folder)?.training?.settings else { return nil }
        self = record
    }

    /// That of a checkpoint, as the `model.json` beside it tells it; nil where there is none, or it tells of another file.
    public init?(checkpoint: String) {
        let (folder, name) = Self.place(of: checkpoint)
        guard let description = Description(folder: folder), description.checkpoint == name,
            let record = description.training?.settings
        else { return nil }
        self = record
    }

    /// The names of a checkpoint's classes, as the files beside it tell them; nil where none does.
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
