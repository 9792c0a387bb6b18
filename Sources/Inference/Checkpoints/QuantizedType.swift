/// The types of weights that are kept in eight bits or fewer, and mean nothing without the scales beside them.
enum QuantizedType {
    /// Whether a type is such a one: PyTorch's names, as `qint8` and `float8_e4m3fn`, and safetensors', as `F8_E4M3`.
    static func isQuantized(_ scalarName: String) -> Bool {
        ["qint", "quint", "float8", "float6", "float4", "F8_", "F6_", "F4"].contains(where: scalarName.hasPrefix)
    }
}
