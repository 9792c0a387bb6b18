import Files
import Foundation

/// Writes a model folder whose network is computed in 8-bit integers.
///
/// The folder has the checkpoint `model.safetensors`, a class map, and a `model.json` with all that the original said. The
/// tensors keep their names; ``QuantizedTensors`` describes those of a quantized layer.
public struct QuantizedFolder {
    /// The name of the checkpoint.
    static let checkpointName = "model.safetensors"

    private let files: LocatedFiles
    private let layers: [ParameterSet.Layer]
    private let classes: ClassMap

    /// Reads the parameters of a model.
    ///
    /// - Throws: ``ModelError`` if the files cannot be used, or are quantized already.
    public init(_ files: ModelFiles, of model: Model, loader: ModelLoader) throws(ModelError) {
        self.files = try files.located()
        layers = try loader.parameters(of: self.files)
        classes = model.classes
    }

    /// Writes the folder, which has to exist.
    ///
    /// - Parameters:
    ///   - network: the network of ``Calibration/quantized()``.
    ///   - record: strings for users, which the checkpoint holds as metadata.
    /// - Throws: ``CheckpointWriteError`` or ``FileWriteError`` if a file cannot be written.
    public func write(_ network: Network, to folder: String, record: [String: String]) throws {
        let quantizations = Dictionary(
            network.nodes.compactMap { node in
                node.layer.inputQuantization.map {
                    (node.name, LayerQuantization(input: $0, addend: node.layer.addendQuantization))
                }
            }, uniquingKeysWith: { first, _ in first })
        var entries: [SafetensorsWriter.Entry] = []
        for layer in layers {
            if let quantization = quantizations[layer.name] {
                entries += Self.quantized(layer, quantization)
            } else {
                entries.append(Self.plain(layer.name + ".weight", layer.weight))
            }
            if let bias = layer.bias { entries.append(Self.plain(layer.name + ".bias", bias)) }
            if let statistics = layer.statistics {
                entries.append(Self.plain(layer.name + ".running_mean", statistics.mean))
                entries.append(Self.plain(layer.name + ".running_var", statistics.variance))
            }
        }
        try AtomicFile.write(classes.json, to: folder + "/class_indices.json")
        let file = try AtomicFile(folder + "/" + Self.checkpointName)
        try SafetensorsWriter.write(entries, metadata: record, to: file)
        try file.commit()
        try AtomicFile.write(try description() + [UInt8(ascii: "\n")], to: folder + "/model.json")
    }

    /// The original's `model.json` with the new files' names. What only concerns float32 is left out.
    private func description() throws -> [UInt8] {
        var object: [String: Any] = [:]
        if !files.descriptionBytes.isEmpty {
            object = try JSONSerialization.jsonObject(with: Data(files.descriptionBytes)) as? [String: Any] ?? [:]
        }
        for key in ["prefix", "precision", "algorithms"] { object[key] = nil }
        object["checkpoint"] = Self.checkpointName
        object["classes"] = "class_indices.json"
        if let preset = files.preprocessing { object["preprocessing"] = preset.rawValue }
        return Array(
            try JSONSerialization.data(
                withJSONObject: object, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]))
    }

    private static func plain(_ name: String, _ stored: StoredTensor) -> SafetensorsWriter.Entry {
        SafetensorsWriter.Entry(WritableTensor(name: name, tensor: stored.tensor(), scalarType: .float32))
    }

    private static func quantized(
        _ layer: ParameterSet.Layer, _ quantization: LayerQuantization
    ) -> [SafetensorsWriter.Entry] {
        let shape = layer.weight.shape
        let rows = QuantizedRows(layer.weight.tensor())
        func float32(_ part: QuantizedTensors.Part, _ values: [Float]) -> SafetensorsWriter.Entry {
            SafetensorsWriter.Entry(
                WritableTensor(
                    name: layer.name + part.rawValue, tensor: Tensor([values.count], scalars: values),
                    scalarType: .float32))
        }
        func zeroPoint(_ part: QuantizedTensors.Part, _ value: UInt8) -> SafetensorsWriter.Entry {
            SafetensorsWriter.Entry(name: layer.name + part.rawValue, isSigned: false, shape: [1], bytes: [value])
        }
        let input = quantization.input
        return [
            SafetensorsWriter.Entry(
                name: layer.name + QuantizedTensors.Part.weight.rawValue, isSigned: true, shape: shape,
                bytes: rows.numbers),
            float32(.weightScale, rows.scales), float32(.inputScale, [input.scale]),
            zeroPoint(.inputZeroPoint, input.zeroPoint),
        ]
            + (quantization.addend.map {
                [float32(.addendScale, [$0.scale]), zeroPoint(.addendZeroPoint, $0.zeroPoint)]
            } ?? [])
    }
}
