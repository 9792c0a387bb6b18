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
        movingAverage: MovingAverage?, to path: String
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
        _ parameters: Parameters, optimizer: any Optimizer, movingAverage: MovingAverage?
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

    private static func stretches(_ optimizer: any Optimizer, _ movingAverage: MovingAverage?) -> [Stretch] {
        [.values] + (optimizer.state + (movingAverage.map { [$0.state] } ?? [])).map { .state($0) }
    }
}
