import CImageCodecs

/// The EXIF block and the XMP packet of a file; empty if the file has none.
struct ImageMetadata {
    var exif: ArraySlice<UInt8> = []
    var xmp: ArraySlice<UInt8> = []
}

extension ImageMetadata {
    /// Reads the APP1 segments before a JPEG's first scan. An EXIF block may be split over several of them.
    ///
    /// - Source: ITU-T T.81 §B.1.1, Exif 2.32 §4.7.2, XMP Specification Part 3 §1.1.3
    init(jpeg bytes: ArraySlice<UInt8>) {
        let exifPrefix = Array("Exif\0\0".utf8)
        let xmpPrefix = Array("http://ns.adobe.com/xap/1.0/\0".utf8)
        var reader = ImageByteReader(bytes)
        reader.seek(to: 2)
        while let marker = Self.nextMarker(&reader), marker != 0xDA {
            // Markers without a segment: RSTn, SOI, EOI and reserved ones.
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

    /// The code of the next marker. Fill bytes (repeated 0xFF) and stuffed bytes (0xFF 0x00) are skipped.
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

    /// Reads a WebP's EXIF and XMP chunks if the flags of its VP8X header announce them.
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

extension ImageMetadata {
    /// The most bytes that a text chunk may inflate to, and the most that are read of a stored one. Units: bytes.
    static let maxTextByteCount = 1 << 20

    /// Reads EXIF from a PNG's eXIf chunk or, if there is none, from the hexadecimal text chunk that older programs
    /// write. Reads XMP from its text chunk.
    ///
    /// - Source: PNG (Third Edition) §11.3.3 and §11.3.4.6; XMP Specification Part 3 §1.1.5
    init(png bytes: ArraySlice<UInt8>) {
        // Only the last chunk of each kind counts. Only that one is inflated, because a file may hold thousands.
        var rawProfile: Text?
        var packet: Text?
        var reader = ImageByteReader(bytes)
        reader.seek(to: 8)
        while let length = reader.integer(byteCount: 4), let kind = reader.integer(byteCount: 4),
            let content = reader.slice(byteCount: length)
        {
            _ = reader.slice(byteCount: 4)
            if kind == 0x6558_4966 {  // eXIf
                exif = content
            } else if kind == 0x4945_4E44 {  // IEND
                break
            } else if let text = Text(content, kind: kind) {
                if text.keyword.elementsEqual("Raw profile type exif".utf8) { rawProfile = text }
                if text.keyword.elementsEqual("XML:com.adobe.xmp".utf8), kind == Text.international { packet = text }
            }
        }
        if exif.isEmpty, let rawProfile { exif = Self.bytes(ofRawProfile: Self.content(of: rawProfile)) }
        if let packet { xmp = Self.content(of: packet) }
    }

    /// A parsed tEXt, zTXt or iTXt chunk, not yet inflated.
    private struct Text {
        let keyword: ArraySlice<UInt8>
        let isCompressed: Bool
        let stored: ArraySlice<UInt8>

        /// The type of an iTXt chunk.
        static let international = 0x6954_5874

        init?(_ content: ArraySlice<UInt8>, kind: Int) {
            var reader = ImageByteReader(content)
            if kind == 0x7445_5874 {  // tEXt
                guard let keyword = reader.terminated() else { return nil }
                (self.keyword, isCompressed) = (keyword, false)
            } else if kind == 0x7A54_5874 {  // zTXt
                guard let keyword = reader.terminated(), reader.integer(byteCount: 1) == 0 else { return nil }
                (self.keyword, isCompressed) = (keyword, true)
            } else if kind == Self.international {
                guard let keyword = reader.terminated(), let flag = reader.integer(byteCount: 1),
                    reader.integer(byteCount: 1) == 0, reader.terminated() != nil, reader.terminated() != nil
                else { return nil }
                (self.keyword, isCompressed) = (keyword, flag != 0)
            } else {
                return nil
            }
            stored = reader.rest
        }
    }

    private static func content(of text: Text) -> ArraySlice<UInt8> {
        text.isCompressed ? inflate(text.stored) : text.stored.prefix(maxTextByteCount)
    }

    /// The inflated bytes; empty if they are corrupt or too many.
    private static func inflate(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let output = [UInt8](unsafeUninitializedCapacity: maxTextByteCount) { output, count in
            let written = bytes.withUnsafeBufferPointer {
                codec_inflate($0.baseAddress, $0.count, output.baseAddress, maxTextByteCount)
            }
            count = max(0, Int(written))
        }
        return output[...]
    }

    /// Decodes a raw profile: a line feed, a name, a length, and lines of hexadecimal digits.
    private static func bytes(ofRawProfile text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let lines = text.split(separator: UInt8(ascii: "\n"), maxSplits: 3, omittingEmptySubsequences: false)
        guard lines.count == 4 else { return [] }
        var bytes: [UInt8] = []
        var high: UInt8?
        for character in lines[3] where character != UInt8(ascii: "\n") {
            guard let digit = Character(UnicodeScalar(character)).hexDigitValue.map(UInt8.init) else { return [] }
            if let first = high {
                bytes.append(first << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
        return high == nil ? bytes[...] : []
    }
}

/// A bounds-checked cursor over untrusted bytes: reads beyond the end give nil and never trap.
struct ImageByteReader {
    let isLittleEndian: Bool

    private let bytes: ArraySlice<UInt8>
    private var position: Int

    init(_ bytes: ArraySlice<UInt8>, isLittleEndian: Bool = false) {
        self.bytes = bytes
        self.isLittleEndian = isLittleEndian
        position = bytes.startIndex
    }

    /// Moves to an offset from the first byte. An offset beyond the bytes moves to the end.
    mutating func seek(to offset: Int) {
        position = (0...bytes.count).contains(offset) ? bytes.startIndex + offset : bytes.endIndex
    }

    /// Moves to the next occurrence of a byte, or to the end.
    mutating func skip(to byte: UInt8) { position = bytes[position...].firstIndex(of: byte) ?? bytes.endIndex }

    /// The next bytes; nil if there are fewer.
    mutating func slice(byteCount: Int) -> ArraySlice<UInt8>? {
        guard (0...(bytes.endIndex - position)).contains(byteCount) else { return nil }
        defer { position += byteCount }
        return bytes[position..<position + byteCount]
    }

    /// The next unsigned integer of at most four bytes, in the reader's byte order.
    mutating func integer(byteCount: Int) -> Int? {
        guard byteCount <= 4, position + byteCount <= bytes.endIndex else { return nil }
        var value = 0
        for index in 0..<byteCount {
            let byte = Int(bytes[position + index])
            value |= byte << (8 * (isLittleEndian ? index : byteCount - 1 - index))
        }
        position += byteCount
        return value
    }

    /// The bytes before the next zero, which is consumed too; nil if there is none.
    mutating func terminated() -> ArraySlice<UInt8>? {
        guard let end = bytes[position...].firstIndex(of: 0) else { return nil }
        defer { position = end + 1 }
        return bytes[position..<end]
    }

    /// All remaining bytes.
    var rest: ArraySlice<UInt8> { bytes[position...] }
}
