import Foundation
import Inference
import Training

/// The facts about a model, or about a checkpoint whose network may be unknown.
struct Inspection: Encodable {
    /// The path on the command line.
    let path: String
    /// The checkpoint's format: `pytorch`, `safetensors`, `npz` or `npy`.
    let format: String
    /// The checkpoint's size. Units: bytes.
    let byteCount: Int
    /// The element types of the tensors in the checkpoint.
    let types: [String]
    /// The checkpoint's metadata, as strings by key.
    let metadata: [String: String]
    /// The name of the architecture; nil if it is unknown.
    let architecture: String?
    /// Why the file cannot be served as it is; nil if it can.
    let note: String?
    /// What was assumed about the network because the file does not say it.
    let assumptions: [String]
    /// Remarks about choices made while the file was read.
    let notes: [String]
    /// The model's version (a digest); nil without a class map.
    let version: String?
    /// The precision in which the linear layers' weights would be stored.
    let precision: String?
    /// The shape of the input, without the batch axis.
    let input: [Int]?
    /// The preprocessing of images; nil if it is unknown.
    let preprocessing: PreprocessingEntry?
    /// The names of the classes; nil without a class map.
    let classes: [String]?
    /// The network's layers; nil if the network is unknown.
    let layers: [LayerRow]?
    /// The checkpoint's tensors.
    let tensors: [TensorRow]
    /// The names of tensors that are not weights.
    let skipped: [String]
    /// The number of parameters.
    let parameters: Int
    /// The number of multiply-adds for one image.
    let multiplyAdds: Int?
    /// The number of floating-point operations for one image: two for each multiply-add.
    let flops: Int?

    private enum CodingKeys: String, CodingKey {
        case path, format, types, metadata, architecture, note, notes, assumptions, version, precision, input,
            preprocessing,
            classes,
            layers
        case tensors, skipped, parameters, flops
        case byteCount = "bytes"
        case multiplyAdds = "multiply_adds"
    }

    /// What is known about a checkpoint beyond its tensors.
    struct Knowledge {
        /// The architecture's name; nil if it is unknown.
        var architecture: String?
        /// The network; nil if it is unknown.
        var network: Network?
        /// The preprocessing of images; nil if it is unknown.
        var preprocessing: Preprocessing?
        /// The whole model, if the checkpoint's other files exist.
        var model: Model?
        /// Why the checkpoint cannot be served as it is; nil if it can.
        var note: String?
        /// What is assumed about the network.
        var assumptions: [Assumption] = []
    }

    init(path: String, checkpoint: Checkpoint, _ known: Knowledge) {
        self.path = path
        format = checkpoint.format.rawValue
        byteCount = checkpoint.byteCount
        let found = checkpoint.tensors.map(\.tensor.scalarType)
        types = (checkpoint.isQuantized ? ["int8"] : []) + ScalarType.allCases.filter(found.contains).map(\.rawValue)
        metadata = checkpoint.metadata
        architecture = known.architecture
        note = known.note
        assumptions = known.assumptions.map(\.description)
        notes = checkpoint.notes
        version = known.model?.version
        precision = known.model?.precisionName
        input = known.network?.inputShape.extents
        preprocessing = known.preprocessing.map(PreprocessingEntry.init)
        classes = known.model?.classes.names
        layers = known.network.map(LayerRow.rows)
        tensors = TensorRow.rows(of: checkpoint)
        skipped = checkpoint.skipped.map { "\($0.name) (\($0.scalarName))" } + checkpoint.companionNames
        parameters = known.network?.parameterCount ?? tensors.reduce(0) { $0 + $1.count }
        multiplyAdds = layers?.reduce(0) { $0 + $1.multiplyAdds }
        flops = multiplyAdds.map { 2 * $0 }
    }
}

extension Inspection {
    /// The most classes that are listed.
    private static let maxClassCount = 20

    /// The facts as tables.
    var text: String {
        var lines = heading
        let width = nameWidth
        func row(_ name: String, _ kind: String, _ shape: String, _ parameters: String, _ products: String) -> String {
            self.row(name, kind, shape, parameters, products, nameWidth: width)
        }
        if let layers {
            lines += ["", row("layer", "kind", "output", "parameters", "multiply-adds")]
            lines += layers.map { layer in
                row(
                    layer.name, layer.kind, "\(Shape(layer.output))", number(layer.parameters),
                    number(layer.multiplyAdds))
            }
            lines.append(row("all", "", "", number(parameters), number(multiplyAdds ?? 0)))
            lines.append("\(Count.grouped(flops ?? 0)) FLOPs for each image")
        } else {
            lines += ["", row("tensor", "type", "shape", "numbers", "")]
            lines += tensors.map { row($0.name, $0.type, "\(Shape($0.shape))", number($0.count), "") }
            lines.append(row("all", "", "", number(parameters), ""))
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private var heading: [String] {
        var lines = [
            "file           \(path)",
            "format         \(format), \(types.joined(separator: " and ")), \(Count.grouped(byteCount)) bytes",
        ]
        func add(_ label: String, _ value: String?) {
            if let value { lines.append(label.padding(toLength: 15, withPad: " ", startingAt: 0) + value) }
        }
        add("architecture", architecture ?? "unknown")
        add("version", version)
        add("precision", precision)
        add("input", input.map { "\(Shape($0))" })
        add("preprocessing", preprocessing?.text)
        add(
            "classes",
            classes.map { names in
                "\(names.count): " + names.prefix(Self.maxClassCount).joined(separator: ", ")
                    + (names.count > Self.maxClassCount ? ", …" : "")
            })
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) { add("metadata", "\(key): \(value)") }
        if !skipped.isEmpty { add("left out", skipped.joined(separator: ", ")) }
        add("note", note)
        for note in notes { add("note", note + ".") }
        for assumption in assumptions { add("assumed", assumption) }
        return lines.map(\.printable)
    }

    private func number(_ number: Int) -> String { number == 0 ? "" : Count.grouped(number) }

    /// The width of the column of names: that of the longest name, at most 40. Units: characters.
    private var nameWidth: Int {
        min(max((layers?.map(\.name) ?? tensors.map(\.name)).map(\.count).max() ?? 0, 6), 40)
    }

    private func row(
        _ name: String, _ kind: String, _ shape: String, _ parameters: String, _ products: String, nameWidth: Int
    ) -> String {
        let line =
            left(name, nameWidth + 2) + left(kind, layers == nil ? 10 : 36) + left(shape, 20) + right(parameters, 14)
            + right(products, 16)
        return String(line.reversed().drop { $0 == " " }.reversed())
    }

    private func left(_ text: String, _ width: Int) -> String {
        let text = text.printable
        return text + String(repeating: " ", count: max(1, width - text.count))
    }

    private func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(1, width - text.count)) + text
    }
}

/// One layer in the output of `alexnet inspect`.
struct LayerRow: Encodable {
    /// The layer's name.
    let name: String
    /// The layer's type and settings: `Conv2d 11×11, stride 4, padding 2`.
    let kind: String
    /// The shape of the output, without the batch axis.
    let output: [Int]
    /// The number of parameters.
    let parameters: Int
    /// The number of multiply-adds for one image.
    let multiplyAdds: Int

    private enum CodingKeys: String, CodingKey {
        case name, kind, output, parameters
        case multiplyAdds = "multiply_adds"
    }

    /// The layers of a network, in order.
    static func rows(of network: Network) -> [LayerRow] {
        zip(network.nodes, network.shapes).map { node, output in
            LayerRow(
                name: node.name, kind: kind(of: node.layer), output: output.extents,
                parameters: node.layer.parameterCount,
                multiplyAdds: node.layer.multiplyAddCount(for: network.inputShapes(of: node)))
        }
    }

    private static func kind(of layer: any Layer) -> String {
        switch layer {
        case let layer as Conv2d:
            return "Conv2d " + words(layer.window) + (layer.groups > 1 ? ", \(layer.groups) groups" : "")
        case let layer as MaxPool2d: return "MaxPool2d " + words(layer.window)
        case let layer as AvgPool2d: return "AvgPool2d " + words(layer.window)
        case let layer as LocalResponseNorm: return "LocalResponseNorm \(layer.size), \(layer.convention.rawValue)"
        case let layer as AdaptiveAvgPool2d: return "AdaptiveAvgPool2d \(layer.outputSize)"
        default: return "\(type(of: layer))"
        }
    }

    private static func words(_ window: Window) -> String {
        var parts = ["\(window.kernelSize)"]
        if window.stride != 1 { parts.append("stride " + words(window.stride)) }
        if window.padding != 0 { parts.append("padding " + words(window.padding)) }
        if window.roundsUp { parts.append("rounded up") }
        return parts.joined(separator: ", ")
    }

    private static func words(_ size: Size2d) -> String {
        size.height == size.width ? "\(size.height)" : "\(size)"
    }
}

/// One tensor in the output of `alexnet inspect`.
struct TensorRow: Encodable {
    /// The tensor's name.
    let name: String
    /// The element type in the file.
    let type: String
    /// The tensor's shape.
    let shape: [Int]

    /// The number of scalars.
    var count: Int { Shape(shape).elementCount }

    /// The tensors of a checkpoint, in order.
    static func rows(of checkpoint: Checkpoint) -> [TensorRow] {
        checkpoint.tensors.map {
            TensorRow(name: $0.name, type: $0.tensor.scalarType.rawValue, shape: $0.tensor.shape.extents)
        }
    }
}

/// The preprocessing, with the keys of `model.json`.
struct PreprocessingEntry: Encodable {
    private struct Resize: Encodable {
        let mode: String
        var height: Int?
        var width: Int?
        var side: Int?
    }

    private let colour: String
    private let resize: Resize
    private let crop: [Int]
    private let scale: String
    private let mean: [Float]
    private let deviation: [Float]

    init(_ preprocessing: Preprocessing) {
        colour = preprocessing.colour.rawValue
        resize =
            switch preprocessing.resize {
            case .stretch(let height, let width): Resize(mode: "stretch", height: height, width: width)
            case .shortest(let side): Resize(mode: "shortest", side: side)
            }
        crop = Array(preprocessing.outputShape.extents.dropFirst())
        scale = preprocessing.scale.rawValue
        mean = preprocessing.mean
        deviation = preprocessing.deviation
    }

    /// The preprocessing on one line.
    var text: String {
        let size =
            resize.side.map { "shortest side to \($0), centre crop \(crop[0])×\(crop[1])" }
            ?? "stretch to \(resize.height ?? 0)×\(resize.width ?? 0)"
            + (crop == [resize.height ?? 0, resize.width ?? 0] ? "" : ", centre crop \(crop[0])×\(crop[1])")
        return "\(colour), \(size), \(scale == "unit" ? "0…1" : "0…255"), mean \(mean), deviation \(deviation)"
    }
}
