/// Reads small text files: class maps, `model.json`, the configuration, the admin token.
///
/// All follow one rule: a regular file of bounded size, in UTF-8 with or without a byte order mark, or in UTF-16 with a
/// byte order mark, as Windows' editors and shells write it. Any other encoding is refused by its likely name, since a
/// wrong guess would be a wrong name in every answer. Lines may end in LF, CR LF or CR; code that splits lines accepts
/// each.
public struct TextFile: Sendable {
    /// The bytes of the file as they are on the disk, for a digest.
    public let bytes: [UInt8]
    /// The text without the byte order mark.
    public let text: String

    /// More than a class map of a million names, or any `model.json`, has. Units: bytes.
    public static let defaultMaxByteCount = 16 << 20

    /// Reads a file.
    ///
    /// - Throws: ``FileError`` when the file cannot be read, is too large, or is not text.
    public init(contentsOf path: String, maxByteCount: Int = Self.defaultMaxByteCount) throws(FileError) {
        try self.init(try FileSnapshot.bytes(of: path, maxByteCount: maxByteCount), name: path)
    }

    /// Decodes text that is in memory already.
    ///
    /// - Parameter name: the file's name in errors.
    /// - Throws: ``FileError/notText(file:found:)``
    public init(_ bytes: [UInt8], name: String) throws(FileError) {
        self.bytes = bytes
        text = try Self.decoded(bytes, name: name)
    }

    private static func decoded(_ bytes: [UInt8], name: String) throws(FileError) -> String {
        func refused(_ found: String) -> FileError { .notText(file: name, found: found) }
        if let kind = FileKind(of: bytes, name: name) ?? FileKind.binary(bytes) { throw refused(kind.sentence) }
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) {
            guard let text = String(validating: bytes.dropFirst(3), as: UTF8.self) else {
                throw refused("begins with UTF-8's byte order mark, and goes on with bytes that are not UTF-8")
            }
            return text
        }
        if bytes.starts(with: [0xFF, 0xFE, 0, 0]) || bytes.starts(with: [0, 0, 0xFE, 0xFF]) {
            throw refused("is UTF-32: save it as UTF-8")
        }
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
            guard let text = utf16(bytes) else {
                throw refused("begins with UTF-16's byte order mark, and goes on with bytes that are not UTF-16")
            }
            return text
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw refused(TextEncodingGuess(bytes).sentence)
        }
        // ASCII in UTF-16 without a mark is valid UTF-8, full of zeros.
        if text.utf8.prefix(FileKind.prefixByteCount).contains(0) {
            throw refused(TextEncodingGuess(bytes).sentence)
        }
        return text
    }

    /// Decodes text with a byte order mark; nil if surrogates are not paired or a byte is left over.
    private static func utf16(_ bytes: [UInt8]) -> String? {
        guard bytes.count.isMultiple(of: 2) else { return nil }
        let isLittle = bytes[0] == 0xFF
        let units = stride(from: 2, to: bytes.count, by: 2).map { index in
            let (low, high) = isLittle ? (bytes[index], bytes[index + 1]) : (bytes[index + 1], bytes[index])
            return UInt16(high) << 8 | UInt16(low)
        }
        return String(validating: units, as: UTF16.self)
    }
}

/// The likely encoding of bytes that are not UTF-8, guessed from the pairs of bytes that occur.
struct TextEncodingGuess {
    /// The end of a sentence that begins with the file's name.
    let sentence: String

    /// How much is examined. Units: bytes.
    private static let sampleByteCount = 64 << 10

    init(_ bytes: [UInt8]) {
        let sample = Array(bytes.prefix(Self.sampleByteCount))
        if let order = Self.utf16Order(sample) {
            sentence = "is probably UTF-16 (\(order)) without a byte order mark: save it as UTF-8"
        } else if sample.contains(0) {
            sentence = "has bytes of zero, as no text has"
        } else if let name = Self.encoding(sample) {
            sentence = "is probably \(name): save it as UTF-8"
        } else {
            let offset = Self.firstInvalid(sample)
            sentence = "has bytes at offset \(offset) that are not UTF-8: save it as UTF-8"
        }
    }

    /// The byte order if this is probably UTF-16: text in Latin letters has a zero in every other byte.
    private static func utf16Order(_ bytes: [UInt8]) -> String? {
        guard bytes.count >= 4, bytes.count.isMultiple(of: 2) else { return nil }
        let zeros = bytes.enumerated().filter { $0.element == 0 }
        guard zeros.count * 5 >= bytes.count else { return nil }
        if zeros.allSatisfy({ !$0.offset.isMultiple(of: 2) }) { return "little-endian" }
        return zeros.allSatisfy { $0.offset.isMultiple(of: 2) } ? "big-endian" : nil
    }

    /// The likely legacy encoding. The candidates are ordered by frequency, in case several fit: text in one of these
    /// consists mostly of pairs within the ranges that are given for its usual characters.
    private static func encoding(_ bytes: [UInt8]) -> String? {
        let candidates: [(name: String, score: Double?)] = [
            (
                "GBK, as Chinese Windows saves text",
                score(bytes, lead: { 0x81...0xFE ~= $0 }, trail: { 0x40...0xFE ~= $0 && $0 != 0x7F }) {
                    0xB0...0xF7 ~= $0 && 0xA1...0xFE ~= $1
                }
            ),
            (
                "Shift JIS, as Japanese Windows saves text",
                score(
                    bytes, lead: { 0x81...0x9F ~= $0 || 0xE0...0xFC ~= $0 },
                    trail: { 0x40...0xFC ~= $0 && $0 != 0x7F }, single: { 0xA1...0xDF ~= $0 }
                ) { lead, _ in 0x81...0x84 ~= lead || 0x88...0x9F ~= lead }
            ),
            (
                "Big5, as traditional Chinese Windows saves text",
                score(
                    bytes, lead: { 0xA1...0xF9 ~= $0 }, trail: { 0x40...0x7E ~= $0 || 0xA1...0xFE ~= $0 }
                ) { lead, _ in 0xA4...0xC6 ~= lead }
            ),
        ]
        // Latin text hardly ever has a pair for every lead byte: its letters beyond ASCII stand between ASCII ones.
        let fitting = candidates.filter { ($0.score ?? 0) > 0.5 }
        if let best = fitting.max(by: { ($0.score ?? 0) < ($1.score ?? 0) }) { return best.name }
        let high = bytes.filter { $0 >= 0x80 }.count
        return high > 0 && high * 3 < bytes.count ? "Windows-1252 or Latin-1, as Western Windows saves text" : nil
    }

    /// The share of two-byte characters that are usual ones; nil if the bytes do not form such pairs.
    private static func score(
        _ bytes: [UInt8], lead: (UInt8) -> Bool, trail: (UInt8) -> Bool, single: (UInt8) -> Bool = { _ in false },
        usual: (UInt8, UInt8) -> Bool
    ) -> Double? {
        var (pairs, usualPairs, index) = (0, 0, 0)
        while index < bytes.count {
            let byte = bytes[index]
            if byte < 0x80 || single(byte) {
                index += 1
            } else if lead(byte), index + 1 < bytes.count, trail(bytes[index + 1]) {
                pairs += 1
                usualPairs += usual(byte, bytes[index + 1]) ? 1 : 0
                index += 2
            } else {
                // The sample may end within a character.
                if index + 1 == bytes.count, bytes.count == sampleByteCount { break }
                return nil
            }
        }
        return pairs > 0 ? Double(usualPairs) / Double(pairs) : nil
    }

    private static func firstInvalid(_ bytes: [UInt8]) -> Int {
        var decoder = UTF8()
        var iterator = bytes.makeIterator()
        var offset = 0
        while true {
            switch decoder.decode(&iterator) {
            case .scalarValue(let scalar): offset += UTF8.width(scalar)
            case .emptyInput, .error: return offset
            }
        }
    }
}
