/// Layers chosen by their names, as `features.0`, or by that of a part of the network that holds them, as `features`.
enum LayerSelection {
    /// The names of the layers that are meant.
    ///
    /// - Parameter known: the network's, in its order.
    /// - Throws: ``TrainingError/unknownLayers(names:known:)`` for names that mean none.
    static func layers(_ names: Set<String>, of known: [String]) throws(TrainingError) -> Set<String> {
        func isMeant(_ layer: String, by name: String) -> Bool { layer == name || layer.hasPrefix(name + ".") }
        let unknown = names.filter { name in !known.contains { isMeant($0, by: name) } }
        guard unknown.isEmpty else { throw .unknownLayers(names: unknown.sorted(), known: known) }
        return Set(known.filter { layer in names.contains { isMeant(layer, by: $0) } })
    }
}
