import ArgumentParser
import Files
import Foundation
import Inference
import Server

/// `alexnet inspect`: prints the layers of a model, or the tensors of a checkpoint.
struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show a model's layers, shapes, parameters and FLOPs.",
        discussion: """
            Takes a model folder or a checkpoint. If a checkpoint's network is unknown, its tensors are listed. Multiply-adds \
            are those of the layers' definitions for one image; a multiply-add is two FLOPs. --filters draws the first \
            layer's filters, each scaled from black to white.
            """
    )

    @Argument(help: ArgumentHelp("A model folder, or a checkpoint.", valueName: "path"))
    var path: String

    @Flag(help: "Print JSON instead of tables.")
    var json = false

    @Option(help: ArgumentHelp("Draw the first layer's filters as a PNG file.", valueName: "file"))
    var filters: String?

    func run() throws {
        do {
            let (checkpoint, known) = try read()
            if let filters { try Self.draw(checkpoint, known, to: filters) }
            let inspection = Inspection(path: path, checkpoint: checkpoint, known)
            try OutputStream.output.write(json ? Self.json(inspection) : inspection.text)
        } catch {
            throw Failure.work(error)
        }
    }

    /// Loads a folder as a whole model. A checkpoint alone may be incomplete.
    private func read() throws -> (Checkpoint, Inspection.Knowledge) {
        var isDirectory: ObjCBool = false
        let isFolder = FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && isDirectory.boolValue
        let loader = ModelLoader(workers: try CommandThreads.pool(nil))
        if isFolder {
            let files = try ModelFiles(folder: path)
            let model = try loader.load(files)
            return (try Self.open(files.checkpointPath ?? path), Self.knowledge(of: model))
        }
        let checkpoint = try Self.open(path)
        do throws(ModelError) {
            return (checkpoint, Self.knowledge(of: try loader.load(ModelFiles(checkpoint: path, classes: nil))))
        } catch {
            return (checkpoint, Self.knowledge(of: checkpoint, note: error.description))
        }
    }

    private static func open(_ path: String) throws -> Checkpoint {
        do throws(CheckpointError) {
            return try Checkpoint(contentsOf: path)
        } catch {
            throw CheckpointFailure(file: path, error: error)
        }
    }

    private static func knowledge(of model: Model) -> Inspection.Knowledge {
        Inspection.Knowledge(
            architecture: model.architecture, network: model.network, preprocessing: model.preprocessing, model: model,
            assumptions: model.assumptions)
    }

    /// What is known about a checkpoint that is not a whole model.
    private static func knowledge(of checkpoint: Checkpoint, note: String) -> Inspection.Knowledge {
        do throws(CheckpointError) {
            let known = try ModelLoader.recognize(checkpoint)
            return Inspection.Knowledge(
                architecture: known.architecture, network: known.network,
                preprocessing: try? Preprocessing(known.preprocessing, input: known.network.inputShape), note: note,
                assumptions: known.assumptions + (known.preprocessingAssumption.map { [$0] } ?? []))
        } catch {
            return Inspection.Knowledge(note: CheckpointFailure(file: checkpoint.name, error: error).description)
        }
    }

    private static func draw(_ checkpoint: Checkpoint, _ known: Inspection.Knowledge, to path: String) throws {
        let layer = known.network?.nodes.lazy.compactMap { $0.layer as? Conv2d }.first
        let weight = layer?.weight ?? checkpoint.tensors.first { $0.tensor.shape.rank == 4 }?.tensor.tensor()
        guard let weight else { throw FilterGrid.Unsuitable(reason: "there is no convolution") }
        let grid = try FilterGrid(weight, isBGR: known.preprocessing?.colour == .bgr)
        try AtomicFile.write(try PNGEncoder.encode(grid.image), to: path)
    }

    private static func json(_ inspection: Inspection) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(inspection), as: UTF8.self) + "\n"
    }
}
