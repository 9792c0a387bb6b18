extension Network {
    /// The same network with each sum of two values computed by the pointwise convolution right before it, where that feeds
    /// nothing else.
    func fusingSums() -> Network {
        var readerCount = [Int](repeating: 0, count: nodes.count)
        for input in nodes.flatMap(\.inputs) where input >= 0 { readerCount[input] += 1 }
        var fused: [Node] = []
        var fusedShapes: [Shape] = []
        // Where the value of each old node is found among the new ones.
        var places: [Int] = []
        for (index, node) in nodes.enumerated() {
            var inputs = node.inputs.map { $0 == Self.input ? $0 : places[$0] }
            if node.layer is Add, inputs.count == 2, index > 0, readerCount[index - 1] == 1,
                let addend = node.inputs.firstIndex(where: { $0 != index - 1 }), node.inputs.contains(index - 1),
                let convolution = nodes[index - 1].layer as? Conv2d, SummedConv2d.computes(convolution)
            {
                inputs = [fused[fused.count - 1].inputs[0], inputs[addend]]
                fused[fused.count - 1] = Node(
                    name: nodes[index - 1].name, layer: SummedConv2d(convolution), inputs: inputs)
                places.append(fused.count - 1)
                continue
            }
            places.append(fused.count)
            fused.append(Node(name: node.name, layer: node.layer, inputs: inputs))
            fusedShapes.append(shapes[index])
        }
        return Network(inputShape: inputShape, nodes: fused, shapes: fusedShapes, parameterCount: parameterCount)
    }
}
