/// The name and value pairs of a request target's query, in the order in which they were sent.
///
/// `%` and `+` are decoded. A name without `=` has an empty value.
/// - Source: RFC 3986 §3.4; WHATWG URL §5.1 for the pairs
public struct Query: Sendable, Equatable, ExpressibleByDictionaryLiteral {
    /// One pair.
    public struct Item: Sendable, Equatable {
        /// The text before the first `=`.
        public let name: String
        /// The text after the first `=`.
        public let value: String

        /// A pair of decoded texts.
        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// Every pair, repeated names included.
    public let items: [Item]

    /// A query of these pairs.
    public init(_ items: [Item] = []) {
        self.items = items
    }

    /// A query written out in a test: `["top": "3"]`.
    public init(dictionaryLiteral elements: (String, String)...) {
        self.init(elements.map { Item(name: $0.0, value: $0.1) })
    }

    /// The pairs of an encoded query (the text after `?`), or nil if a `%` in it is not followed by two hexadecimal
    /// digits or the decoded bytes are not UTF-8.
    public init?(encoded text: Substring) {
        var items: [Item] = []
        for pair in text.utf8.split(separator: UInt8(ascii: "&")) {
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let rawName = parts.first, let name = PercentDecoding.decode(rawName, plusIsSpace: true) else {
                return nil
            }
            guard parts.count == 2 else {
                items.append(Item(name: name, value: ""))
                continue
            }
            guard let value = PercentDecoding.decode(parts[1], plusIsSpace: true) else { return nil }
            items.append(Item(name: name, value: value))
        }
        self.init(items)
    }

    /// The value of the first pair of this name.
    public subscript(name: String) -> String? {
        items.first { $0.name == name }?.value
    }

    /// The values of all pairs of this name.
    public func values(_ name: String) -> [String] {
        items.filter { $0.name == name }.map(\.value)
    }
}

/// Decodes percent-encoded text: `%2F` becomes `/`.
///
/// - Source: RFC 3986 §2.1; `+` for a space as in application/x-www-form-urlencoded (WHATWG URL §5.1)
enum PercentDecoding {
    /// The decoded text, or nil if a `%` is not followed by two hexadecimal digits or the result is not UTF-8.
    static func decode(_ text: Substring.UTF8View, plusIsSpace: Bool = false) -> String? {
        let needsDecoding = text.contains { $0 == UInt8(ascii: "%") || (plusIsSpace && $0 == UInt8(ascii: "+")) }
        guard needsDecoding else { return String(Substring(text)) }
        return bytes(text, plusIsSpace: plusIsSpace).flatMap { String(validating: $0, as: UTF8.self) }
    }

    /// The decoded bytes, or nil if a `%` is not followed by two hexadecimal digits.
    static func bytes(_ text: some Collection<UInt8>, plusIsSpace: Bool = false) -> [UInt8]? {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(text.count)
        var iterator = text.makeIterator()
        while let byte = iterator.next() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = iterator.next().flatMap(hexadecimalValue),
                    let low = iterator.next().flatMap(hexadecimalValue)
                else { return nil }
                decoded.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsSpace:
                decoded.append(UInt8(ascii: " "))
            default:
                decoded.append(byte)
            }
        }
        return decoded
    }

    /// The value of one hexadecimal digit.
    static func hexadecimalValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
