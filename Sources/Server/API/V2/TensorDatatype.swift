/// The datatypes that a tensor may have here.
///
/// - Source: Open Inference Protocol V2, "Tensor Data Types"
enum TensorDatatype: String, Sendable {
    /// The network's input, normalised by the client. Shape: `[N, C, H, W]`.
    case float32 = "FP32"
    /// Pixels, of which the model's preprocessing makes its input. Shape: `[N, H, W, 3]` or `[N, H, W, 1]`.
    case uint8 = "UINT8"
    /// Encoded pictures. Shape: `[N]` or `[N, 1]`.
    case bytes = "BYTES"
}
