import Files
import Foundation
import Inference

/// The output folder of a training: a servable model, the history, and the state to resume from.
///
/// Files are replaced atomically. A server that watches the folder loads each new best model automatically.
public struct TrainingFolder: Sendable {
    /// The folder's path, without a trailing slash.
    public let path: String
    /// The element type of the tensors in the checkpoint.
    public let scalarType: ScalarType

    /// The folder at a path, which need not exist yet.
    public init(_ path: String, scalarType: ScalarType = .float32) {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        self.path = path
        self.scalarType = scalarType
    }

    /// Creates the folder if it does not exist.
    ///
    /// - Throws: ``TrainingError/notWritten(_:)``
    public func create() throws(TrainingError) {
        var isDirectory: ObjCBool = false
        guard !FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) || isDirectory.boolValue else {
            throw .notWritten("\(path) is a file, but a folder is expected")
        }
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw .notWritten("the folder \(path) cannot be created: \(error.localizedDescription)")
        }
    }

    /// The folder's name, which is the model's.
    public var name: String { URL(fileURLWithPath: path).standardizedFileURL.lastPathComponent }

    /// The path of the state that a training is resumed from.
    public var statePath: String { path + "/training.resume" }
    /// The name of the checkpoint.
    public var checkpointName: String { name + ".pth" }
    /// The path of the history.
    public var historyPath: String { path + "/history.csv" }

    private struct Description: Encodable {
        let architecture: String
        let checkpoint: String
        let classes = "class_indices.json"
        let preprocessing: String
        let training: Record
    }

    private struct Record: Encodable {
        let settings: TrainingSettings
        let optimizer: OptimizerSettings
        let schedule: LearningRateSchedule
        let best: HistoryRow

        private enum CodingKeys: String, CodingKey { case settings, optimizer, schedule, best }
    }

    /// Writes the model of an epoch: class map, checkpoint and `model.json`.
    ///
    /// - Throws: ``TrainingError/notWritten(_:)``. Each file is then either the old or the new one, never a mixture.
    func write(
        _ tensors: [(name: String, tensor: Tensor)], classNames: [String], settings: TrainingSettings,
        optimizer: OptimizerSettings, schedule: LearningRateSchedule, row: HistoryRow
    ) throws(TrainingError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            let description = try encoder.encode(
                Description(
                    architecture: settings.architecture, checkpoint: checkpointName,
                    preprocessing: settings.preprocessing,
                    training: Record(settings: settings, optimizer: optimizer, schedule: schedule, best: row)))
            try AtomicFile.write(ClassMap(names: classNames).json, to: path + "/class_indices.json")
            try CheckpointWriter.write(
                tensors, to: path + "/" + checkpointName, format: .pytorch, scalarType: scalarType)
            try AtomicFile.write(Array(description) + [UInt8(ascii: "\n")], to: path + "/model.json")
        } catch {
            throw .notWritten("\(error)")
        }
    }

    /// Writes the history as CSV and as SVG.
    ///
    /// - Throws: ``TrainingError/notWritten(_:)``
    func write(_ history: History) throws(TrainingError) {
        do throws(FileWriteError) {
            try AtomicFile.write(history.csv, to: historyPath)
            try AtomicFile.write(LearningCurve(history, title: name).svg, to: path + "/history.svg")
        } catch {
            throw .notWritten("\(error)")
        }
    }
}

/// An exclusive lock on a training's folder, held until it is released or the process ends.
final class FolderLock: Sendable {
    private let descriptor: Int32

    /// Takes the lock. On a file system without locks, it always succeeds.
    ///
    /// - Throws: ``TrainingError/notWritten(_:)`` if another training holds the lock, or if the folder cannot be
    ///   written.
    init(folder: String) throws(TrainingError) {
        descriptor = open(folder + "/.training.lock", O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o666)
        guard descriptor >= 0 else {
            throw .notWritten("the folder \(folder) cannot be written: \(String(cString: strerror(errno)))")
        }
        if flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK {
            close(descriptor)
            throw .notWritten(
                "another training is writing to \(folder); wait until it is done, or name another --output")
        }
    }

    deinit { close(descriptor) }
}
