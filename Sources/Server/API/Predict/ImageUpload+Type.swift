import HTTPServer

extension ImageUpload {
    /// What content without a Content-Type is where its first byte tells: JSON begins with a brace, and no picture does.
    ///
    /// - Source: RFC 9110 §8.3
    static func guessedType(of body: RequestBody) -> String? {
        guard case .bytes(let bytes) = body, looksLikeJSON(bytes) else { return nil }
        return json
    }

    /// Whether the first byte that is no white space begins an object or an array.
    static func looksLikeJSON(_ bytes: [UInt8]) -> Bool {
        let whiteSpace: [UInt8] = [0x20, 0x09, 0x0A, 0x0D]
        // A byte order mark may precede it; nobody indents by a kilobyte.
        let text = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3).prefix(1024) : bytes.prefix(1024)
        guard let first = text.first(where: { !whiteSpace.contains($0) }) else { return false }
        return first == UInt8(ascii: "{") || first == UInt8(ascii: "[")
    }

    /// A picture's name or path that was sent instead of the picture, as by curl's `-F image=cat.jpg` without its `@`.
    static func fileName(_ bytes: ArraySlice<UInt8>) -> String? {
        guard 1...255 ~= bytes.count, bytes.allSatisfy({ 0x20...0x7E ~= $0 }) else { return nil }
        let name = String(decoding: bytes, as: UTF8.self)
        let suffixes = [
            ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".heic", ".avif",
        ]
        return suffixes.contains(where: name.lowercased().hasSuffix) ? name : nil
    }
}
