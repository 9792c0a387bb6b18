/// The layer names that other libraries and common scripts use for torchvision's networks.
///
/// Each spelling translates a checkpoint's names into torchvision's and keeps unknown names. It is used only if the
/// result fits a known architecture exactly.
enum TensorSpelling {
    /// All spellings, in the order in which they are tried, after the checkpoint's own names.
    static let all: [@Sendable (ParameterSet) -> ParameterSet?] = [
        headInSequential, headOutsideBackbone, childrenOfResNet, huggingFaceResNet, timmVGG,
    ]

    /// `fc = nn.Sequential(nn.Dropout(), nn.Linear(…))`: the only layer with parameters in `fc` becomes `fc`.
    private static func headInSequential(_ parameters: ParameterSet) -> ParameterSet? {
        let heads = parameters.layers.filter { $0.name.hasPrefix("fc.") }
        guard heads.count == 1, heads[0].weight.shape.rank == 2 else { return nil }
        return parameters.renamed { $0.name == heads[0].name ? $0.renamed("fc") : nil }
    }

    /// `self.backbone = resnet50(); self.backbone.fc = nn.Identity(); self.head = nn.Linear(2048, 5)`, and likewise
    /// with the head in an `nn.Sequential`.
    private static func headOutsideBackbone(_ parameters: ParameterSet) -> ParameterSet? {
        let linears = parameters.linears
        guard linears.count == 1 else { return nil }
        let head = linears[0].name
        var wrapper = ""
        let others = parameters.layers.map(\.name).filter { $0 != head }
        // The components with which all names except the head's begin.
        while let next = others.first?.dropFirst(wrapper.count).split(separator: ".").first.map({ wrapper + $0 + "." }),
            others.allSatisfy({ $0.hasPrefix(next) })
        { wrapper = next }
        guard !wrapper.isEmpty else { return nil }
        return parameters.renamed { layer in
            layer.name == head ? layer.renamed("fc") : layer.renamed(String(layer.name.dropFirst(wrapper.count)))
        }
    }

    /// `nn.Sequential(*list(resnet.children())[:-1])` beside a linear layer: 0 is `conv1`, 1 is `bn1`, 4 to 7 are the
    /// four stages.
    private static func childrenOfResNet(_ parameters: ParameterSet) -> ParameterSet? {
        guard let inner = headOutsideBackbone(parameters) ?? parameters.renamed({ _ in nil }) else { return nil }
        guard let stem = inner["0"], stem.weight.shape.rank == 4 else { return nil }
        return inner.renamed { layer in
            let (first, rest) = split(layer.name)
            switch first {
            case "0" where rest.isEmpty: return layer.renamed("conv1")
            case "1" where rest.isEmpty: return layer.renamed("bn1")
            case "4", "5", "6", "7":
                guard let number = Int(first), !rest.isEmpty else { return nil }
                return layer.renamed("layer\(number - 3).\(rest)")
            // An `nn.Sequential` of all children has the head as number 9.
            case "9" where rest.isEmpty: return layer.renamed("fc")
            default: return nil
            }
        }
    }

    /// Hugging Face Transformers' `ResNetForImageClassification`.
    private static func huggingFaceResNet(_ parameters: ParameterSet) -> ParameterSet? {
        guard parameters.layers.contains(where: { $0.name.hasSuffix("embedder.embedder.convolution") }) else {
            return nil
        }
        return parameters.renamed { layer in
            var parts = layer.name.split(separator: ".").map(String.init)
            if parts.first == "resnet" { parts.removeFirst() }
            if parts == ["classifier", "1"] { return layer.renamed("fc") }
            let isConvolution = parts.last == "convolution"
            guard isConvolution || parts.last == "normalization" else { return nil }
            if parts.dropLast() == ["embedder", "embedder"] { return layer.renamed(isConvolution ? "conv1" : "bn1") }
            // encoder.stages.0.layers.1.layer.2.convolution, or ….shortcut.convolution.
            guard parts.count >= 7, parts[0] == "encoder", parts[1] == "stages", let stage = Int(parts[2]),
                parts[3] == "layers", stage < 1 << 16
            else { return nil }
            let block = "layer\(stage + 1).\(parts[4])"
            if parts[5] == "shortcut", parts.count == 7 {
                return layer.renamed("\(block).downsample.\(isConvolution ? 0 : 1)")
            }
            guard parts[5] == "layer", parts.count == 8, let index = Int(parts[6]), index < 1 << 16 else { return nil }
            return layer.renamed("\(block).\(isConvolution ? "conv" : "bn")\(index + 1)")
        }
    }

    /// timm's VGG. Its hidden linear layers are stored as convolutions that cover the whole feature map.
    private static func timmVGG(_ parameters: ParameterSet) -> ParameterSet? {
        guard parameters["pre_logits.fc1"]?.weight.shape.rank == 4 else { return nil }
        return parameters.renamed { layer in
            let shape = layer.weight.shape
            switch layer.name {
            case "pre_logits.fc1", "pre_logits.fc2":
                guard shape.rank == 4 else { return nil }
                return layer.reshaped(
                    layer.name.hasSuffix("1") ? "classifier.0" : "classifier.3",
                    weight: [shape[0], shape[1] * shape[2] * shape[3]])
            case "head.fc": return layer.renamed("classifier.6")
            default: return nil
            }
        }
    }

    private static func split(_ name: String) -> (first: String, rest: String) {
        guard let dot = name.firstIndex(of: ".") else { return (name, "") }
        return (String(name[..<dot]), String(name[name.index(after: dot)...]))
    }
}
