import Inference

/// One layer of a network as `alexnet inspect` lists it.
struct LayerRow: Encodable {
    let name: String
    /// What it is, with what sets it apart: `Conv2d 11×11, stride 4, padding 2`.
    let kind: String
    /// Without the batch axis.
    let output: [Int]
    let parameters: Int
    /// Of one image.
    let multiplyAdds: Int

    private enum CodingKeys: String, CodingKey {
        case name, kind, output, parameters
        case multiplyAdds = "multiply_adds"
    }

    /// Every layer of a network, in its order.
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
