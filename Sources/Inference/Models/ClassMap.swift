import Files
import Foundation

/// The class map: the names of a model's classes, in the order of its outputs.
public struct ClassMap: Sendable, Equatable {
    /// One name for each output.
    public let names: [String]

    /// A class map with these names, in the order of the network's outputs.
    public init(names: [String]) { self.names = names }

    /// The most names; no network has as many outputs.
    static let maxCount = 1 << 20

    /// Reads the bytes of a file; see ``TextFile`` for the encodings.
    ///
    /// - Throws: ``ClassMapError``, as ``init(text:)`` does, or if the bytes are not text.
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

    /// Parses a class map. The forms are `{"0": "daisy"}`, `{"daisy": 0}`, `{"0": ["n01440764", "tench"]}` (TorchServe
    /// and Keras), a JSON array of names, and plain text with one name per line.
    ///
    /// - Throws: ``ClassMapError`` if the text has none of these forms, or if an index is missing.
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
            // Distinguishes valid JSON of another form from malformed JSON.
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
        /// Whether the keys are the names; nil before the first entry decides it.
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

    /// Reads a name, or an array of one or two strings that ends with the name: ImageNet's arrays begin with the
    /// synset.
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

    /// The number of classes.
    public var count: Int { names.count }

    /// The class map as JSON, in the form of `class_indices.json`: `{"0": "daisy", …}`, by ascending index.
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

/// Why a class map cannot be used.
public enum ClassMapError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The bytes are not UTF-8. `found` says what they are, as a phrase that continues "it".
    case notText(found: String)
    /// The JSON is malformed: `found` is at `offset`, where `expected` should be. Units of `offset`: bytes.
    case malformed(offset: Int, found: String, expected: String)
    /// There are more than `limit` names.
    case tooMany(limit: Int)
    /// There are no names.
    case empty
    /// The JSON is valid, but has none of the supported forms.
    case notAMap
    /// The text of a key or value that should be an index, but is not.
    case notAnIndex(String)
    /// `index` has no name, although a larger index has one.
    case missing(index: Int)
    /// `index` has two names.
    case duplicate(index: Int)
    /// The name of `index` is empty.
    case unnamed(index: Int)
    /// There are more or fewer names than the network has outputs.
    case countMismatch(names: Int, outputs: Int)

    public var description: String {
        switch self {
        case .notText(let found): "The class map is not text in UTF-8: it \(found)."
        case .malformed(let offset, let found, let expected):
            "The class map's JSON has \(found) at offset \(offset) where \(expected) is expected."
        case .tooMany(let limit): "The class map has more than \(limit) names."
        case .empty: "The class map names no class."
        case .notAMap:
            #"The class map is none of {"0": "daisy"}, {"daisy": 0}, {"0": ["n11939491", "daisy"]}, ["daisy"] and one name a line."#
        case .notAnIndex(let key): "The class map has \"\(key)\" where an index such as \"0\" is expected."
        case .missing(let index): "The class map names no class \(index); indices run from 0 without a gap."
        case .duplicate(let index): "The class map names class \(index) twice."
        case .unnamed(let index): "The class map has an empty name for class \(index)."
        case .countMismatch(let names, let outputs):
            "The class map names \(names) classes, but the network has "
                + (outputs == 1
                    ? "one output, which takes one name, or two for no and yes."
                    : "\(outputs) outputs; is it another model's map?")
        }
    }
}

extension ClassMapError: JSONFailure {
    package init(_ error: JSONError) {
        self = .malformed(offset: error.offset, found: error.found, expected: error.expected)
    }
}
