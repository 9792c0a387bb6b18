import Foundation
import Inference

/// A model folder in a temporary directory, small enough to be written and loaded by the dozen: the half-width AlexNet's
/// geometry with a handful of channels.
public final class TinyModel: Sendable {
    /// The model's folder; it is removed with the last reference to this.
    public let folder: URL

    /// Writes a checkpoint and a class map.
    public init(classCount: Int = 3, seed: UInt64 = 1) throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "alexnet-tests-\(UUID().uuidString)/tiny")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try writeCheckpoint(classCount: classCount, seed: seed)
        try write("class_indices.json", ClassMap(names: (0..<classCount).map { "class \($0)" }).json)
    }

    deinit { try? FileManager.default.removeItem(at: folder.deletingLastPathComponent()) }

    /// The path of a file in the folder.
    public func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

    /// Writes a file in one step.
    public func write(_ name: String, _ text: String) throws {
        try Data(text.utf8).write(to: folder.appendingPathComponent(name), options: .atomic)
    }

    /// Removes a file.
    public func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: path(name)) }

    /// Writes another checkpoint over the first.
    public func writeCheckpoint(
        _ name: String = "model.safetensors", classCount: Int = 3, seed: UInt64 = 1, replacing value: Float? = nil
    ) throws {
        try Data(Self.checkpoint(classCount: classCount, seed: seed, replacing: value))
            .write(to: folder.appendingPathComponent(name), options: .atomic)
    }

    /// A safetensors file.
    ///
    /// - Parameter value: stands in the last bias, where one is given.
    public static func checkpoint(classCount: Int, seed: UInt64, replacing value: Float? = nil) -> [UInt8] {
        let shapes: [(String, [Int])] = [
            ("features.0", [4, 3, 11, 11]), ("features.3", [6, 4, 5, 5]), ("features.6", [8, 6, 3, 3]),
            ("features.8", [6, 8, 3, 3]), ("features.10", [2, 6, 3, 3]), ("classifier.1", [8, 72]),
            ("classifier.4", [8, 8]), ("classifier.6", [classCount, 8]),
        ]
        var random = RandomValues(seed: seed)
        var header: [String] = []
        var values: [Float] = []
        for (stem, shape) in shapes {
            for (name, shape) in [(stem + ".weight", shape), (stem + ".bias", [shape[0]])] {
                let start = values.count * 4
                let scale = 2 / Float(shape.dropFirst().reduce(1, *)).squareRoot()
                values += (0..<shape.reduce(1, *)).map { _ in random.next() * scale }
                header.append(
                    #""\#(name)":{"dtype":"F32","shape":\#(shape),"data_offsets":[\#(start),\#(values.count * 4)]}"#)
            }
        }
        if let value { values[values.count - 1] = value }
        let text = Array("{\(header.joined(separator: ","))}".utf8)
        return withUnsafeBytes(of: UInt64(text.count).littleEndian, Array.init) + text
            + values.withUnsafeBytes(Array.init)
    }
}
