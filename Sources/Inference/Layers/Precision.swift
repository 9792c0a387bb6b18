/// The numbers that a model's linear layers keep their weights in.
///
/// At small batches these layers take as long as their weights take to come from memory, so that half the bytes is half
/// the time. It concerns the linear layers' weights alone: convolutions, biases, activations and sums are float32 always.
public enum Precision: String, Sendable, CaseIterable {
    /// As exact as the sums of IEEE 754 single precision, PyTorch's default: in two bytes or three where a layer's weights allow
    /// it, else as they are.
    case float32
    /// IEEE 754 half precision, 11 significant bits; a checkpoint that was saved in float16 loses nothing.
    case float16
    /// Whole numbers from -127 to 127 times one scale an output. The last layer, whose outputs are the network's, stays
    /// float16: an error there reaches the probabilities undamped.
    case int8
}
