import Foundation
import Inference

/// The JSON in the metadata of a training's state.
struct TrainingStateHeader<Settings: Codable & Sendable>: Codable, Sendable {
    var version = 1
    let state: TrainingState<Settings>
    /// The optimiser's.
    let stepCount: Int
    /// The moving average's; nil where there is none.
    let averageUpdateCount: Int?

    init(state: TrainingState<Settings>, stepCount: Int, averageUpdateCount: Int?) {
        self.state = state
        self.stepCount = stepCount
        self.averageUpdateCount = averageUpdateCount
    }

    /// Reads the header of a file.
    ///
    /// - Throws: ``TrainingStateError`` where there is none, or none that makes sense.
    init(_ checkpoint: Checkpoint) throws(TrainingStateError) {
        let file = checkpoint.name
        guard checkpoint.format == .safetensors, let text = checkpoint.metadata[Self.key] else {
            throw .foreign(file: file)
        }
        do {
            let version = try Self.decoder.decode(Version.self, from: Data(text.utf8)).version
            guard version == 1 else {
                throw TrainingStateError.unsupportedVersion(file: file, found: version, expected: 1)
            }
            self = try Self.decoder.decode(Self.self, from: Data(text.utf8))
        } catch let error as TrainingStateError {
            throw error
        } catch {
            throw .invalidHeader(file: file, reason: Self.sentence(error))
        }
        for count in [stepCount, averageUpdateCount ?? 0] where !(0...1 << 40).contains(count) {
            throw .invalidHeader(file: file, reason: "it tells of \(count) steps")
        }
        try state.validate(file: file)
    }

    /// What goes into the file's metadata.
    func metadata(for file: String) throws(TrainingStateError) -> [String: String] {
        do {
            return [Self.key: String(decoding: try Self.encoder.encode(self), as: UTF8.self)]
        } catch {
            throw .notEncoded(file: file, reason: Self.sentence(error))
        }
    }

    private static var key: String { "alexnet_training_state" }

    /// What tells whether the rest can be read.
    private struct Version: Decodable {
        let version: Int
    }

    private static var encoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return encoder
    }

    private static var decoder: JSONDecoder {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return decoder
    }

    /// What JSON's errors mean, without their inner workings.
    private static func sentence(_ error: any Error) -> String {
        let context: DecodingError.Context
        let problem: String
        switch error {
        case DecodingError.keyNotFound(let key, let at): (context, problem) = (at, "\(key.stringValue) is missing")
        case DecodingError.typeMismatch(_, let at):
            (context, problem) = (at, "the value has another type than expected")
        case DecodingError.valueNotFound(_, let at): (context, problem) = (at, "the value is null")
        case DecodingError.dataCorrupted(let at): (context, problem) = (at, "the value cannot be read")
        case EncodingError.invalidValue(let value, let at):
            (context, problem) = (DecodingError.Context(codingPath: at.codingPath, debugDescription: ""), "\(value)")
        default: return "\(error)"
        }
        let path = context.codingPath.map(\.stringValue).joined(separator: ".")
        return path.isEmpty
            ? "its header is damaged: \(problem)" : "its header is damaged at \(path.prefix(200)): \(problem)"
    }
}
