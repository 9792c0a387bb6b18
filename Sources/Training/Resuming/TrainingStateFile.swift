import Foundation
import Inference

/// The file from which a training is resumed bit for bit: safetensors, with the state as JSON in its metadata.
///
/// For each parameter it has the tensor `values/NAME`, one tensor for each buffer of the optimiser (such as
/// `exp_avg/NAME`), and `average/NAME` if there is an exponential moving average.
///
///     let file = try TrainingStateFile<MySettings>(contentsOf: path)
///     // Make the network and the optimiser that file.state describes, then:
///     try file.restore(parameters, optimizer: optimizer, movingAverage: nil)
public struct TrainingStateFile<Settings: Codable & Sendable>: Sendable {
    /// The state, except the tensors.
    public let state: TrainingState<Settings>

    private let header: TrainingStateHeader<Settings>
    private let checkpoint: Checkpoint

    /// Reads and checks a file.
    ///
    /// - Throws: ``TrainingStateError`` if the file is damaged, or is not a training state.
    public init(contentsOf path: String) throws(TrainingStateError) {
        do {
            checkpoint = try Checkpoint(contentsOf: path)
        } catch {
            throw .unreadable(file: path, error)
        }
        header = try TrainingStateHeader(checkpoint)
        state = header.state
    }

    /// Writes a training state atomically: the file holds either the old or the new state.
    ///
    /// - Throws: ``TrainingStateError/notWritten(_:)``, for example if the disk is full, and
    ///   ``TrainingStateError/notFinite(file:_:)`` after a step that diverged. The old file stays.
    public static func write(
        _ state: TrainingState<Settings>, _ parameters: Parameters, optimizer: any Optimizer,
        movingAverage: ExponentialMovingAverage?, to path: String
    ) throws(TrainingStateError) {
        let header = TrainingStateHeader(
            state: state, stepCount: optimizer.stepCount, averageUpdateCount: movingAverage?.updateCount)
        try state.validate(file: path)
        let metadata = try header.metadata(for: path)
        let tensors = tensorGroups(optimizer, movingAverage).flatMap { group in
            parameters.entries.map { entry in
                (name: "\(group.name)/\(entry.name)", tensor: group.tensor(parameters, entry))
            }
        }
        do {
            for (name, tensor) in tensors { try tensor.checkFinite(name: name) }
        } catch {
            throw .notFinite(file: path, error)
        }
        do {
            try CheckpointWriter.write(tensors, to: path, format: .safetensors, metadata: metadata)
        } catch {
            throw .notWritten(error)
        }
    }

    /// The parameters' names and values.
    func initialValues() -> [(name: String, tensor: Tensor)] {
        let prefix = TensorGroup.values.name + "/"
        return checkpoint.tensors.filter { $0.name.hasPrefix(prefix) }
            .map { (name: String($0.name.dropFirst(prefix.count)), tensor: $0.tensor.tensor()) }
    }

    /// Restores parameters, optimiser and average from the file. On an error, nothing is changed.
    ///
    /// - Parameter movingAverage: nil if and only if the file has none.
    /// - Throws: ``TrainingStateError`` if a tensor is missing, unexpected, not finite, or has the wrong shape.
    public func restore(
        _ parameters: Parameters, optimizer: any Optimizer, movingAverage: ExponentialMovingAverage?
    ) throws(TrainingStateError) {
        var copies: [(from: Tensor, to: UnsafeMutableBufferPointer<Float>)] = []
        var names = Set<String>()
        for group in Self.tensorGroups(optimizer, movingAverage) {
            for entry in parameters.entries {
                let name = "\(group.name)/\(entry.name)"
                names.insert(name)
                let values = group.values(parameters)
                copies.append(
                    (try tensor(name, entry.shape), UnsafeMutableBufferPointer(rebasing: values[entry.range])))
            }
        }
        if let name = (checkpoint.tensors.names + checkpoint.skipped.map(\.name)).first(where: { !names.contains($0) })
        {
            throw .unexpectedTensor(file: checkpoint.name, name: name)
        }
        for copy in copies { copy.from.withUnsafeScalars { _ = copy.to.update(from: $0) } }
        optimizer.stepCount = header.stepCount
        movingAverage?.updateCount = header.averageUpdateCount ?? 0
    }

    /// A tensor of the file, checked to be finite float32.
    private func tensor(_ name: String, _ shape: Shape) throws(TrainingStateError) -> Tensor {
        do {
            let stored = try checkpoint.tensor(name, shape: shape)
            guard stored.scalarType == .float32 else {
                throw TrainingStateError.wrongScalarType(
                    file: checkpoint.name, name: name, found: stored.scalarType.rawValue)
            }
            let tensor = stored.tensor()
            try tensor.checkFinite(name: name)
            return tensor
        } catch let error as CheckpointError {
            throw .unreadable(file: checkpoint.name, error)
        } catch let error as TrainingStateError {
            throw error
        } catch {
            throw .invalidHeader(file: checkpoint.name, reason: "\(error)")
        }
    }

    /// A group of tensors, one for each parameter: the values, or a buffer of the optimiser or of the average.
    private enum TensorGroup {
        case values
        case state(StateBuffer)

        var name: String {
            switch self {
            case .values: "values"
            case .state(let buffer): buffer.name
            }
        }

        func values(_ parameters: Parameters) -> UnsafeMutableBufferPointer<Float> {
            switch self {
            case .values: parameters.values
            case .state(let buffer): buffer.values
            }
        }

        func tensor(_ parameters: Parameters, _ entry: Parameters.Entry) -> Tensor {
            switch self {
            case .values: parameters.tensor(entry)
            case .state(let buffer): buffer.tensor(entry)
            }
        }
    }

    private static func tensorGroups(_ optimizer: any Optimizer, _ movingAverage: ExponentialMovingAverage?)
        -> [TensorGroup]
    {
        [.values] + (optimizer.state + (movingAverage.map { [$0.state] } ?? [])).map { .state($0) }
    }
}

/// The JSON in the metadata of a training state file.
struct TrainingStateHeader<Settings: Codable & Sendable>: Codable, Sendable {
    /// The version of the file's format.
    var version = 1
    /// The state, except the tensors.
    let state: TrainingState<Settings>
    /// The optimiser's number of steps.
    let stepCount: Int
    /// The average's number of updates; nil without an average.
    let averageUpdateCount: Int?

    init(state: TrainingState<Settings>, stepCount: Int, averageUpdateCount: Int?) {
        self.state = state
        self.stepCount = stepCount
        self.averageUpdateCount = averageUpdateCount
    }

    /// Reads the header of a file.
    ///
    /// - Throws: ``TrainingStateError`` if there is no header, or if it is malformed or out of range.
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
            throw .invalidHeader(file: file, reason: "it has an invalid number of steps, \(count)")
        }
        try state.validate(file: file)
    }

    /// The file's metadata.
    func metadata(for file: String) throws(TrainingStateError) -> [String: String] {
        do {
            return [Self.key: String(decoding: try Self.encoder.encode(self), as: UTF8.self)]
        } catch {
            throw .notEncoded(file: file, reason: Self.sentence(error))
        }
    }

    private static var key: String { "alexnet_training_state" }

    /// The part that is decoded first. It tells whether the rest can be decoded.
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

    /// A coding error as a sentence.
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

/// Why a training state cannot be written, or why a training cannot be resumed from it.
public enum TrainingStateError: Error, Equatable, Sendable {
    /// The file cannot be written.
    case notWritten(CheckpointWriteError)
    /// A parameter is NaN or infinite. The state is not written, so that the training can be resumed from the old file.
    case notFinite(file: String, CheckpointError)
    /// The settings cannot be encoded as JSON.
    case notEncoded(file: String, reason: String)
    /// The file cannot be read, or one of its tensors is missing, not finite, or has the wrong shape.
    case unreadable(file: String, CheckpointError)
    /// The file is a checkpoint, but not a training state.
    case foreign(file: String)
    /// The file has another version of the format.
    case unsupportedVersion(file: String, found: Int, expected: Int)
    /// The header is malformed, or a number in it is out of range.
    case invalidHeader(file: String, reason: String)
    /// The file has a tensor that the network, the optimiser or the average does not have.
    case unexpectedTensor(file: String, name: String)
    /// A tensor is not float32.
    case wrongScalarType(file: String, name: String, found: String)
}

extension TrainingStateError: CustomStringConvertible {
    /// One sentence.
    public var description: String {
        switch self {
        case .notWritten(let error): error.description
        case .notFinite(let file, let error): "\(file) is not written: \(error)"
        case .notEncoded(let file, let reason):
            "\(file) cannot be written: the settings cannot be encoded as JSON: \(reason)"
        case .unreadable(let file, let error): "\(file) cannot be resumed from: \(error)"
        case .foreign(let file): "\(file) is a checkpoint, but not the state of a training that can be resumed"
        case .unsupportedVersion(let file, let found, let expected):
            "\(file) has version \(found) of the state's format, but \(expected) is expected"
        case .invalidHeader(let file, let reason): "\(file) cannot be resumed from: \(reason)"
        case .unexpectedTensor(let file, let name):
            "\(file) has a tensor \(name.prefix(100)), which this training does not have: "
                + "the network, the optimiser or --ema has changed since it was written"
        case .wrongScalarType(let file, let name, let found):
            "\(file) has tensor \(name.prefix(100)) in \(found), but float32 is expected"
        }
    }
}
