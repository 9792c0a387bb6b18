extension Orientation {
    /// What a file says about itself: its Exif entry or, where that has none, its XMP packet, as Pillow looks.
    ///
    /// Damaged metadata say nothing: the picture stays as it is.
    init(in bytes: ArraySlice<UInt8>, format: ImageFormat) {
        let metadata =
            switch format {
            case .jpeg: ImageMetadata(jpeg: bytes)
            case .png: ImageMetadata(png: bytes)
            case .webp: ImageMetadata(webp: bytes)
            }
        let found: Orientation? =
            switch ExifOrientation(in: metadata.exif) {
            case .value(let value): value.flatMap(Orientation.init(rawValue:))
            case .absent: Self.find(inXMP: metadata.xmp)
            case .damaged: nil
            }
        self = found ?? .upright
    }

    /// The digit after the first `tiff:Orientation="` or `tiff:Orientation>`.
    ///
    /// - Source: XMP Specification Part 2, §8.3
    static func find(inXMP packet: ArraySlice<UInt8>) -> Orientation? {
        let name = Array("tiff:Orientation".utf8)
        var rest = packet
        while let first = rest.firstIndex(of: name[0]) {
            rest = rest[first...]
            if rest.starts(with: name) {
                var value = rest.dropFirst(name.count)
                if value.starts(with: Array("=\"".utf8)) {
                    value = value.dropFirst(2)
                } else if value.first == UInt8(ascii: ">") {
                    value = value.dropFirst()
                } else {
                    value = []
                }
                if let digit = value.first, (0x30...0x39).contains(digit) {
                    return Orientation(rawValue: Int(digit) - 0x30)
                }
            }
            rest = rest.dropFirst()
        }
        return nil
    }
}
