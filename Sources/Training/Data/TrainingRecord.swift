import Files
import Foundation
import Inference

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
