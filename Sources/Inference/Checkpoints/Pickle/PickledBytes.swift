import Files

/// Bytes that a pickle holds, left where they lie in it.
struct PickledBytes: Sendable {
    let region: ByteRegion
    /// The same as text, where they are UTF-8 and short enough for a name. It is made once, however often it is referred to.
    let text: String?

    /// No name of a tensor is longer. Units: bytes.
    static let maxTextByteCount = 1 << 14

    init(_ region: ByteRegion) {
        self.region = region
        text = region.count <= Self.maxTextByteCount ? region.text : nil
    }
}
