/// How a layer that is computed in 8-bit integers quantizes what it reads.
struct LayerQuantization: Sendable, Equatable {
    /// Its input.
    let input: InputQuantization
    /// What is added to its output in the same pass, such as the shortcut of a residual block; nil to add it in float32.
    var addend: InputQuantization?
}
