import Foundation
import Inference
import Logging
import ModelTestSupport
import TestSupport
import Threads

@testable import Server

/// A models directory with tiny models, and stores over it whose log is kept.
final class ModelDirectory {
    let path: String
    let metrics = ServingMetrics(routes: [])
    let fileSystem = FailingFileSystem()
    private let sink = RecordingSink()

    init(_ names: [String]) throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("alexnet-tests-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        for (seed, name) in names.enumerated() { try add(name, seed: UInt64(seed + 1)) }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func add(_ name: String, seed: UInt64) throws {
        let tiny = try TinyModel(seed: seed)
        try FileManager.default.copyItem(atPath: tiny.folder.path, toPath: path + "/" + name)
    }

    func replace(_ name: String, seed: UInt64) throws {
        try Data(TinyModel.checkpoint(classCount: 3, seed: seed)).write(
            to: URL(fileURLWithPath: path + "/" + name + "/model.safetensors"), options: .atomic)
    }

    func write(_ text: String, to file: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: path + "/" + file), options: .atomic)
    }

    func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: path + "/" + name) }

    func store(
        defaultName: String? = nil, limits: ModelLimits = ModelLimits(), followsOutsideLinks: Bool = false
    ) throws -> ModelStore {
        let logger = Logger(label: "test") { [sink] _ in LineLogHandler(level: .info, format: .text, sink: sink) }
        return try ModelStore(
            .directory(path), defaultName: defaultName, reader: ModelLoader(workers: WorkerPool(threadCount: 1)),
            limits: limits, followsOutsideLinks: followsOutsideLinks, fileSystem: fileSystem, metrics: metrics,
            logger: logger)
    }

    /// Log lines that hold a text.
    func log(_ text: String) -> [String] { sink.lines.filter { $0.contains(text) } }

    /// The count of a model's reloads that ended so; nil where there is no such series.
    func reloads(_ name: String, _ outcome: ReloadOutcome) -> Int? {
        let head = #"alexnet_model_reloads_total{model="\#(name)",outcome="\#(outcome.rawValue)"} "#
        return metrics.registry.exposition().split(separator: "\n").first { $0.hasPrefix(head) }
            .flatMap { Int($0.dropFirst(head.count)) }
    }
}

extension ModelStore {
    /// Looks so many times, and waits until what follows is done.
    func look(times: Int) async {
        for _ in 0..<times {
            look()
            for slot in slots { await slot.settle() }
        }
    }
}
