extension Network {
    /// Cuts the network in two before a node, where one value alone goes across, however often it is read there; nil where more
    /// does, or nothing is left on one side.
    func split(before cut: Int) -> (head: Network, tail: Network)? {
        guard cut > 0, cut < nodes.count, nodes[cut...].allSatisfy({ $0.inputs.allSatisfy { $0 >= cut - 1 } })
        else { return nil }
        // What goes across is the tail's input, whose index is one below that of its first node.
        let behind = nodes[cut...].map { node in
            Node(name: node.name, layer: node.layer, inputs: node.inputs.map { $0 - cut })
        }
        guard let head = try? Network(inputShape: inputShape, nodes: Array(nodes[..<cut])),
            let tail = try? Network(inputShape: shapes[cut - 1], nodes: behind)
        else { return nil }
        return (head, tail)
    }

    /// The first cut that a condition on a node and the shape of its input allows; nil where there is none.
    func split(beforeFirst condition: (Node, Shape) -> Bool) -> (head: Network, tail: Network)? {
        for cut in nodes.indices.dropFirst()
        where nodes[cut].inputs.contains(cut - 1) && condition(nodes[cut], shapes[cut - 1]) {
            if let parts = split(before: cut) { return parts }
        }
        return nil
    }
}
