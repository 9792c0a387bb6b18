extension Network {
    /// Cuts the network in two before the first linear layer, where one value alone goes across; nil where there is none.
    ///
    /// What comes before works on each image by itself and on large values; what comes behind reads large weights, best
    /// once for many images.
    func splitBeforeLinear() -> (head: Network, tail: Network)? {
        guard let cut = nodes.firstIndex(where: { $0.layer is Linear }), cut > 0, nodes[cut].inputs == [cut - 1],
            nodes[(cut + 1)...].allSatisfy({ $0.inputs.allSatisfy { $0 >= cut } })
        else { return nil }
        let behind = nodes[cut...].map { node in
            Node(name: node.name, layer: node.layer, inputs: node.inputs.map { $0 - cut })
        }
        guard let head = try? Network(inputShape: inputShape, nodes: Array(nodes[..<cut])),
            let tail = try? Network(inputShape: shapes[cut - 1], nodes: behind)
        else { return nil }
        return (head, tail)
    }
}
