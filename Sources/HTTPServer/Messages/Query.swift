/// The name and value pairs of a request target's query, decoded, in the order they were sent.
///
/// Units: text, after `%` and `+` decoding. A name without `=` has an empty value.
/// - Source: RFC 3986 §3.4; WHATWG URL §5.1 for the pairs
public struct Query: Sendable, Equatable, ExpressibleByDictionaryLiteral {
    /// One pair.
    public struct Item: Sendable, Equatable {
        /// What stands before the first `=`.
        public let name: String
        /// What stands behind it.
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

    /// The pairs of an encoded query (what stands behind `?`), or nil if a `%` in it is not followed by two hexadecimal
    /// digits or what it encodes is not UTF-8.
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
