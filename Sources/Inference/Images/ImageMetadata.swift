/// The Exif block and the XMP packet of a file; empty where there is none.
struct ImageMetadata {
    var exif: ArraySlice<UInt8> = []
    var xmp: ArraySlice<UInt8> = []
}

extension ImageMetadata {
    /// From a JPEG's APP1 segments before its first scan. An Exif block may be cut over several of them.
    ///
    /// - Source: ITU-T T.81 §B.1.1, Exif 2.32 §4.7.2, XMP Specification Part 3 §1.1.3
    init(jpeg bytes: ArraySlice<UInt8>) {
        let exifPrefix = Array("Exif\0\0".utf8)
        let xmpPrefix = Array("http://ns.adobe.com/xap/1.0/\0".utf8)
        var reader = ImageByteReader(bytes)
        reader.seek(to: 2)
        while let marker = Self.nextMarker(&reader), marker != 0xDA {
            // Markers without a segment: restarts, start and end of the picture, reserved ones.
            if marker < 0xC0 || marker == 0xC8 || (0xD0...0xD9).contains(marker) || (0xF0...0xFD).contains(marker) {
                continue
            }
            guard let length = reader.integer(byteCount: 2), length >= 2,
                let segment = reader.slice(byteCount: length - 2)
            else { return }
            guard marker == 0xE1 else { continue }
            if segment.starts(with: exifPrefix) {
                exif += exif.isEmpty ? segment : segment.dropFirst(exifPrefix.count)
            } else if segment.starts(with: xmpPrefix) {
                xmp = segment.dropFirst(xmpPrefix.count)
            }
        }
    }

    /// The byte after the next run of 0xFF that is neither a filler nor an escaped 0xFF.
    private static func nextMarker(_ reader: inout ImageByteReader) -> Int? {
        while true {
            reader.skip(to: 0xFF)
            guard reader.integer(byteCount: 1) != nil else { return nil }
            var code = reader.integer(byteCount: 1)
            while code == 0xFF { code = reader.integer(byteCount: 1) }
            guard let code else { return nil }
            if code != 0 { return code }
        }
    }

    /// From a WebP's EXIF and XMP chunks, where its header announces them.
    ///
    /// - Source: RFC 9649 §2.7.1
    init(webp bytes: ArraySlice<UInt8>) {
        var reader = ImageByteReader(bytes, isLittleEndian: true)
        reader.seek(to: 12)
        var announced = 0
        while let kind = reader.integer(byteCount: 4), let length = reader.integer(byteCount: 4),
            let content = reader.slice(byteCount: length)
        {
            switch kind {
            case 0x5838_5056: announced = content.first.map(Int.init) ?? announced  // VP8X
            case 0x4649_5845 where announced & 0x08 != 0 && exif.isEmpty: exif = content  // EXIF
            // XMP
            case 0x2050_4D58 where announced & 0x04 != 0 && xmp.isEmpty: xmp = content.prefix(Self.maxTextByteCount)
            default: break
            }
            if !length.isMultiple(of: 2) { _ = reader.slice(byteCount: 1) }
        }
    }
}
