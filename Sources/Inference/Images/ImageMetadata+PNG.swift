import CImageCodecs

extension ImageMetadata {
    /// Units: bytes; what a text may inflate to, and how much of one is looked at.
    static let maxTextByteCount = 1 << 20

    /// From a PNG's eXIf chunk or, where it has none, the hexadecimal text that older programs left behind; and from its
    /// XMP text.
    ///
    /// - Source: PNG (Third Edition) §11.3.3 and §11.3.4.6; XMP Specification Part 3 §1.1.5
    init(png bytes: ArraySlice<UInt8>) {
        // The last of each counts, and it alone is inflated: a file may hold thousands.
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

    /// A tEXt, zTXt or iTXt chunk taken apart, not yet inflated.
    private struct Text {
        let keyword: ArraySlice<UInt8>
        let isCompressed: Bool
        let stored: ArraySlice<UInt8>

        /// iTXt.
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

    /// The inflated bytes, or none where they are damaged or too many.
    private static func inflate(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let output = [UInt8](unsafeUninitializedCapacity: maxTextByteCount) { output, count in
            let written = bytes.withUnsafeBufferPointer {
                codec_inflate($0.baseAddress, $0.count, output.baseAddress, maxTextByteCount)
            }
            count = max(0, Int(written))
        }
        return output[...]
    }

    /// A raw profile is a line feed, a name, a length, and lines of hexadecimal digits.
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
