import Files

/// One file of a zip archive, as the central directory describes it.
struct ZipRecord: Sendable {
    /// How the bytes are stored.
    enum Method: Sendable { case stored, deflated }

    let name: String
    let method: Method
    /// CRC-32 of the inflated bytes; 0 where the writer left it out, as `torch.save` can be told to.
    let checksum: UInt32
    /// The bytes as they lie in the archive.
    let data: ByteRegion
    /// Units: bytes, once inflated.
    let byteCount: Int
}
