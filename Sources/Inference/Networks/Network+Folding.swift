extension Network {
    /// The same network with each batch normalisation computed by the convolution right before it, where that feeds nothing
    /// else; those behind anything else stay.
    ///
    /// ``parameterCount`` stays what it was: that many numbers were learned.
    func foldingNormalizations() -> Network {
        var readerCount = [Int](repeating: 0, count: nodes.count)
        for input in nodes.flatMap(\.inputs) where input >= 0 { readerCount[input] += 1 }
        var folded: [Node] = []
        var foldedShapes: [Shape] = []
        // Where the value of each old node is found among the new ones.
        var places: [Int] = []
        for (index, node) in nodes.enumerated() {
            if let normalization = node.layer as? BatchNorm2d, let input = node.inputs.first, input >= 0,
                readerCount[input] == 1, places[input] == folded.count - 1,
                let convolution = nodes[input].layer as? Conv2d
            {
                let place = places[input]
                folded[place] = Node(
                    name: nodes[input].name, layer: convolution.folding(normalization), inputs: folded[place].inputs)
                places.append(place)
                continue
            }
            places.append(folded.count)
            folded.append(
                Node(name: node.name, layer: node.layer, inputs: node.inputs.map { $0 == Self.input ? $0 : places[$0] })
            )
            foldedShapes.append(shapes[index])
        }
        return Network(inputShape: inputShape, nodes: folded, shapes: foldedShapes, parameterCount: parameterCount)
    }
}
