import Files
import Foundation
import Inference

/// The folder that a training fills: a servable model, the way there, and what is needed to go on.
///
/// Each file is replaced whole. A server that watches the folder loads each new best by itself.
public struct TrainingFolder: Sendable {
    /// The folder's path.
    public let path: String
    /// How the checkpoint's numbers are written.
    public let scalarType: ScalarType

    /// The folder at a path; it need not be there yet.
    public init(_ path: String, scalarType: ScalarType = .float32) {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        self.path = path
        self.scalarType = scalarType
    }

    /// Creates the folder where there is none.
    ///
    /// - Throws: ``TrainingError/notWritten(_:)``
    public func create() throws(TrainingError) {
        var isDirectory: ObjCBool = false
        guard !FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) || isDirectory.boolValue else {
            throw .notWritten("\(path) is a file, where a folder is expected")
        }
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw .notWritten("the folder \(path) cannot be made: \(error.localizedDescription)")
        }
    }

    /// The folder's own name, which is the model's.
    public var name: String { URL(fileURLWithPath: path).standardizedFileURL.lastPathComponent }

    /// What a training is resumed from.
    public var statePath: String { path + "/training.resume" }
    /// The file that holds the weights.
    public var checkpointName: String { name + ".pth" }
    /// The history, a row an epoch.
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

    /// Writes the model of an epoch.
    ///
    /// - Throws: ``TrainingError/notWritten(_:)``; each file is the old one or the new one.
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

    /// Writes the history as a table and as a picture.
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
