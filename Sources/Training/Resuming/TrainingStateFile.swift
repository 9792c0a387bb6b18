import Foundation
import Inference

/// The file that a training is resumed from, bit for bit: safetensors with the state as JSON in its metadata.
///
/// Each parameter has the tensors `values/NAME`, one for each buffer of the optimiser (as `exp_avg/NAME`), and `average/NAME`
/// where there is a moving average.
///
///     let file = try TrainingStateFile<MySettings>(contentsOf: path)
///     // make the network and the optimiser that file.state describes, then
///     try file.restore(parameters, optimizer: optimizer, movingAverage: nil)
public struct TrainingStateFile<Settings: Codable & Sendable>: Sendable {
    /// What is stored beside the numbers of each parameter.
    public let state: TrainingState<Settings>

    private let header: TrainingStateHeader<Settings>
    private let checkpoint: Checkpoint

    /// Reads a file; nothing of it is used yet.
    ///
    /// - Throws: ``TrainingStateError`` where it is not whole, or not a training's state.
    public init(contentsOf path: String) throws(TrainingStateError) {
        do {
            checkpoint = try Checkpoint(contentsOf: path)
        } catch {
            throw .unreadable(file: path, error)
        }
        header = try TrainingStateHeader(checkpoint)
        state = header.state
    }

    /// Writes a training's state in one step: the file holds the old state or the new one, whatever happens.
    ///
    /// - Throws: ``TrainingStateError/notWritten(_:)`` where there is no room, for instance, and
    ///   ``TrainingStateError/notFinite(file:_:)`` after a step that nobody wants to go on from; the old file is still there.
    public static func write(
        _ state: TrainingState<Settings>, _ parameters: Parameters, optimizer: any Optimizer,
        movingAverage: ExponentialMovingAverage?, to path: String
    ) throws(TrainingStateError) {
        let header = TrainingStateHeader(
            state: state, stepCount: optimizer.stepCount, averageUpdateCount: movingAverage?.updateCount)
        try state.validate(file: path)
        let metadata = try header.metadata(for: path)
        let tensors = stretches(optimizer, movingAverage).flatMap { stretch in
            parameters.entries.map { entry in
                (name: "\(stretch.name)/\(entry.name)", tensor: stretch.tensor(parameters, entry))
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

    /// The parameters' values: what tells the network's layers and their shapes.
    func initialValues() -> [(name: String, tensor: Tensor)] {
        let prefix = Stretch.values.name + "/"
        return checkpoint.tensors.filter { $0.name.hasPrefix(prefix) }
            .map { (name: String($0.name.dropFirst(prefix.count)), tensor: $0.tensor.tensor()) }
    }

    /// Gives parameters, optimiser and average the numbers of the file; either all of them or, on an error, none.
    ///
    /// - Parameter movingAverage: nil exactly where the file has none.
    /// - Throws: ``TrainingStateError`` where a tensor is missing, has another shape, is left over, or is not finite.
    public func restore(
        _ parameters: Parameters, optimizer: any Optimizer, movingAverage: ExponentialMovingAverage?
    ) throws(TrainingStateError) {
        var copies: [(from: Tensor, to: UnsafeMutableBufferPointer<Float>)] = []
        var names = Set<String>()
        for stretch in Self.stretches(optimizer, movingAverage) {
            for entry in parameters.entries {
                let name = "\(stretch.name)/\(entry.name)"
                names.insert(name)
                let values = stretch.values(parameters)
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

    /// A tensor of the file, finite and of the bits that were stored.
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

    /// One number a parameter: the value itself, or what is kept of it.
    private enum Stretch {
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

    private static func stretches(_ optimizer: any Optimizer, _ movingAverage: ExponentialMovingAverage?) -> [Stretch] {
        [.values] + (optimizer.state + (movingAverage.map { [$0.state] } ?? [])).map { .state($0) }
    }
}

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

/// Why a training's state was not written, or cannot be resumed from.
public enum TrainingStateError: Error, Equatable, Sendable {
    case notWritten(CheckpointWriteError)
    /// A number that could not be resumed from is not stored over one that can.
    case notFinite(file: String, CheckpointError)
    /// The settings have no form as JSON.
    case notEncoded(file: String, reason: String)
    /// The file is not whole, or holds no sound tensors.
    case unreadable(file: String, CheckpointError)
    /// The file is a checkpoint of something else.
    case foreign(file: String)
    case unsupportedVersion(file: String, found: Int, expected: Int)
    case invalidHeader(file: String, reason: String)
    /// The network or the optimiser differs from the one that was stored.
    case unexpectedTensor(file: String, name: String)
    case wrongScalarType(file: String, name: String, found: String)
}

extension TrainingStateError: CustomStringConvertible {
    /// One sentence.
    public var description: String {
        switch self {
        case .notWritten(let error): error.description
        case .notFinite(let file, let error): "\(file) is not written: \(error)"
        case .notEncoded(let file, let reason): "\(file) cannot be written: the settings are no JSON: \(reason)"
        case .unreadable(let file, let error): "\(file) cannot be resumed from: \(error)"
        case .foreign(let file): "\(file) is a checkpoint, but not the state of a training that could be resumed"
        case .unsupportedVersion(let file, let found, let expected):
            "\(file) has version \(found) of the form of a training's state, where \(expected) is expected"
        case .invalidHeader(let file, let reason): "\(file) cannot be resumed from: \(reason)"
        case .unexpectedTensor(let file, let name):
            "\(file) has a tensor \(name.prefix(100)), which has no place in this training: "
                + "the network, the optimiser or the averaging differs from when it was stored"
        case .wrongScalarType(let file, let name, let found):
            "\(file) has tensor \(name.prefix(100)) in \(found), where float32 is expected"
        }
    }
}
