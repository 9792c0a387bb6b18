import Files
import Foundation

/// The names of a model's classes, in the order of its outputs.
public struct ClassMap: Sendable, Equatable {
    /// One name an output.
    public let names: [String]

    /// The names in the order of the network's outputs.
    public init(names: [String]) { self.names = names }

    /// No network that runs here has more outputs.
    static let maxCount = 1 << 20

    /// Reads the bytes of a file; see ``TextFile`` for the encodings.
    ///
    /// - Throws: ``ClassMapError`` as ``init(text:)``, and where the bytes are no text.
    public init(_ bytes: [UInt8]) throws(ClassMapError) {
        let text: String
        do throws(FileError) {
            text = try TextFile(bytes, name: "the class map").text
        } catch {
            guard case .notText(_, let found) = error else { throw .notText(found: error.description) }
            throw .notText(found: found)
        }
        try self.init(text: text)
    }

    /// Reads `{"0": "daisy"}`, `{"daisy": 0}`, TorchServe's and Keras' `{"0": ["n01440764", "tench"]}`, a JSON array of names,
    /// or one name a line.
    ///
    /// - Throws: ``ClassMapError`` when the text is none of these, or leaves an index out.
    public init(text: String) throws(ClassMapError) {
        let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard !trimmed.isEmpty else { throw .empty }
        if trimmed.hasPrefix("{") || trimmed.hasPrefix("[") {
            names = try Self.parseJSON(Array(trimmed.utf8))
        } else {
            names = trimmed.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
                .map { $0.trimmingCharacters(in: .whitespaces) }
        }
        guard names.count <= Self.maxCount else { throw .tooMany(limit: Self.maxCount) }
        if let index = names.firstIndex(of: "") { throw .unnamed(index: index) }
        if names.isEmpty { throw .empty }
    }

    // MARK: JSON

    private static func parseJSON(_ bytes: [UInt8]) throws(ClassMapError) -> [String] {
        do throws(ClassMapError) {
            var json = JSONCursor<ClassMapError>(bytes, count: bytes.count)
            let names = json.peeked == UInt8(ascii: "[") ? try array(&json) : try object(&json)
            try json.finish(expecting: "the end of the class map")
            return names
        } catch {
            guard case .malformed = error else { throw error }
            // What is sound JSON of another kind is told from what is broken.
            var json = JSONCursor<ClassMapError>(bytes, count: bytes.count)
            try json.skipValue()
            try json.finish(expecting: "the end of the class map")
            throw .notAMap
        }
    }

    private static func array(_ json: inout JSONCursor<ClassMapError>) throws(ClassMapError) -> [String] {
        var names: [String] = []
        try json.readArray { (json) throws(ClassMapError) in
            names.append(try name(&json))
            guard names.count <= maxCount else { throw .tooMany(limit: maxCount) }
        }
        return names
    }

    private static func object(_ json: inout JSONCursor<ClassMapError>) throws(ClassMapError) -> [String] {
        var pairs: [(index: Int, name: String)] = []
        /// Whether the keys are the names; known from the first value on.
        var isByName: Bool?
        try json.readObject { (json, key, _) throws(ClassMapError) in
            let first = json.peeked
            let hasName = first == UInt8(ascii: "\"") || first == UInt8(ascii: "[")
            guard isByName != hasName else { throw .notAMap }
            isByName = !hasName
            if hasName {
                guard let index = Int(key), String(index) == key else { throw .notAnIndex(key) }
                pairs.append((index, try name(&json)))
            } else {
                pairs.append((try index(&json), key))
            }
            guard pairs.count <= maxCount else { throw .tooMany(limit: maxCount) }
        }
        return try inOrder(pairs)
    }

    /// A name, or the last of one or two: ImageNet's synset stands before it.
    private static func name(_ json: inout JSONCursor<ClassMapError>) throws(ClassMapError) -> String {
        guard json.peeked == UInt8(ascii: "[") else { return try json.readString() }
        var names: [String] = []
        try json.readArray { (json) throws(ClassMapError) in
            guard names.count < 2 else { throw .notAMap }
            names.append(try json.readString())
        }
        guard let last = names.last else { throw .notAMap }
        return last
    }

    private static func index(_ json: inout JSONCursor<ClassMapError>) throws(ClassMapError) -> Int {
        json.skipSpaces()
        let start = json.offset
        let scalar = try json.readScalar()
        if case .whole(let index) = scalar { return index }
        throw .notAnIndex(String(decoding: json.bytes[start..<json.offset], as: UTF8.self))
    }

    private static func inOrder(_ pairs: [(index: Int, name: String)]) throws(ClassMapError) -> [String] {
        let sorted = pairs.sorted { $0.index < $1.index }
        if let first = sorted.first, first.index < 0 { throw .notAnIndex("\(first.index)") }
        for (expected, pair) in sorted.enumerated() where pair.index != expected {
            throw pair.index < expected ? .duplicate(index: pair.index) : .missing(index: expected)
        }
        return sorted.map(\.name)
    }

    /// How many classes there are.
    public var count: Int { names.count }

    /// The map in the form of `class_indices.json`: `{"0": "daisy", …}`, by ascending index.
    public var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        let lines = names.enumerated().map { index, name in
            let quoted = (try? encoder.encode(name)).map { String(decoding: $0, as: UTF8.self) } ?? "\"\""
            return "    \"\(index)\": \(quoted)"
        }
        return "{\n" + lines.joined(separator: ",\n") + "\n}\n"
    }
}
