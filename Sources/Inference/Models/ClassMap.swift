import Foundation

/// The names of a model's classes, in the order of its outputs.
public struct ClassMap: Sendable, Equatable {
    /// One name an output.
    public let names: [String]

    /// The names in the order of the network's outputs.
    public init(names: [String]) { self.names = names }

    /// Reads `{"0": "daisy"}`, `{"daisy": 0}`, a JSON array of names, or one name a line.
    ///
    /// - Throws: ``ClassMapError`` when the text is none of these, or leaves an index out.
    public init(_ bytes: [UInt8]) throws(ClassMapError) {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw ClassMapError.notUTF8 }
        let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard !trimmed.isEmpty else { throw ClassMapError.empty }
        if trimmed.hasPrefix("{") || trimmed.hasPrefix("[") {
            names = try Self.parseJSON(Data(trimmed.utf8))
        } else {
            names = trimmed.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
                .map { $0.trimmingCharacters(in: .whitespaces) }
        }
        if let index = names.firstIndex(of: "") { throw ClassMapError.unnamed(index: index) }
        if names.isEmpty { throw ClassMapError.empty }
    }

    private static func parseJSON(_ data: Data) throws(ClassMapError) -> [String] {
        let decoder = JSONDecoder()
        if let names = try? decoder.decode([String].self, from: data) { return names }
        if let byIndex = try? decoder.decode([String: String].self, from: data) {
            var pairs: [(Int, String)] = []
            for (key, name) in byIndex {
                guard let index = Int(key), String(index) == key else { throw ClassMapError.notAnIndex(key) }
                pairs.append((index, name))
            }
            return try inOrder(pairs)
        }
        if let byName = try? decoder.decode([String: Int].self, from: data) {
            return try inOrder(byName.map { ($0.value, $0.key) })
        }
        throw ClassMapError.notAMap
    }

    private static func inOrder(_ pairs: [(index: Int, name: String)]) throws(ClassMapError) -> [String] {
        let sorted = pairs.sorted { $0.index < $1.index }
        if let first = sorted.first, first.index < 0 { throw ClassMapError.notAnIndex("\(first.index)") }
        for (expected, pair) in sorted.enumerated() where pair.index != expected {
            throw pair.index < expected
                ? ClassMapError.duplicate(index: pair.index) : ClassMapError.missing(index: expected)
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
