import Configuration
import Yams

/// A configuration file, checked: two levels of known keys with plain values.
///
/// Strategy: Yams parses the file into nodes, which know their lines. After the nodes are checked, swift-configuration
/// reads the values.
struct SettingsFile {
    /// Far above any configuration. Units: bytes.
    static let byteLimit = 64 << 10

    let path: String
    /// The values by key.
    let snapshot: any ConfigSnapshot
    /// The line of each key, from 1.
    let lines: [String: Int]

    /// Parses the file's content.
    ///
    /// - Throws: ``SettingsError`` if it is not YAML, or has a key that is unknown, repeated or without a plain
    ///   value.
    init(path: String, bytes: [UInt8]) throws(SettingsError) {
        self.path = path
        let root: Node?
        do {
            root = try Parser(yaml: String(validating: bytes, as: UTF8.self) ?? "\u{0}").singleRoot()
        } catch {
            if let line = Self.tabbedLine(bytes) {
                throw .malformedFile(
                    path: path, line: line, reason: "the line begins with a tab; indent YAML with spaces")
            }
            throw Self.malformed(path: path, error)
        }
        // A file of comments only has no root node.
        guard let root, root != Node("", Tag(.null)) else {
            snapshot = InMemoryProvider(values: [:]).snapshot()
            lines = [:]
            return
        }
        lines = try Self.lines(of: root, path: path)
        do {
            snapshot = try YAMLSnapshot(data: bytes.span.bytes, providerName: path, parsingOptions: .default)
        } catch {
            throw Self.malformed(path: path, error)
        }
    }

    /// The first line that is indented with a tab, which some editors insert. Lines count from 1.
    private static func tabbedLine(_ bytes: [UInt8]) -> Int? {
        bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .firstIndex { line in
                line.first { $0 != UInt8(ascii: " ") } == UInt8(ascii: "\t")
            }.map { $0 + 1 }
    }

    /// Checks sections and keys, and returns the keys' lines.
    private static func lines(of root: Node, path: String) throws(SettingsError) -> [String: Int] {
        guard case .mapping(let sections) = root else {
            throw .malformedFile(
                path: path, line: root.mark?.line,
                reason: "this is \(kind(of: root)), but must be a mapping of sections")
        }
        var lines: [String: Int] = [:]
        for (sectionNode, content) in sections {
            let section = try name(of: sectionNode, path: path)
            let origin = SettingOrigin.file(path: path, line: sectionNode.mark?.line)
            guard SettingKey.sections.contains(section) else {
                if let known = SettingKey.byName[section] {
                    throw .malformedFile(
                        path: path, line: sectionNode.mark?.line,
                        reason: "\(section) must be written as \(known.key) below \(known.section)")
                }
                let nearest = NearestName.of(section, among: SettingKey.sections)
                throw .unknownKey(name: section, nearest: nearest, origin: origin)
            }
            if isNull(content) { continue }
            guard case .mapping(let keys) = content else {
                throw .invalidValue(
                    key: section, found: kind(of: content), expected: "a section of keys, each on its own line",
                    origin: origin)
            }
            for (keyNode, value) in keys {
                let name = section + "." + (try self.name(of: keyNode, path: path))
                let origin = SettingOrigin.file(path: path, line: keyNode.mark?.line)
                guard let known = SettingKey.byName[name] else {
                    let nearest = NearestName.of(name, among: SettingKey.all.map(\.name))
                    throw .unknownKey(name: name, nearest: nearest, origin: origin)
                }
                guard case .scalar = value, !isNull(value) else {
                    throw .invalidValue(
                        key: name, found: kind(of: value), expected: known.expectation, origin: origin)
                }
                lines[name] = keyNode.mark?.line
            }
        }
        return lines
    }

    private static func name(of node: Node, path: String) throws(SettingsError) -> String {
        guard case .scalar(let scalar) = node else {
            throw .malformedFile(
                path: path, line: node.mark?.line, reason: "\(kind(of: node)) was found where a key is expected")
        }
        return scalar.string
    }

    private static func isNull(_ node: Node) -> Bool { node.null != nil }

    /// The kind of a node, as an error names it.
    private static func kind(of node: Node) -> String {
        switch node {
        case .scalar(let scalar): isNull(node) ? "nothing" : SettingsError.quoted(scalar.string)
        case .mapping: "a mapping"
        case .sequence: "a list"
        case .alias: "an alias"
        }
    }

    /// An error of Yams in one line, with its place.
    private static func malformed(path: String, _ error: any Error) -> SettingsError {
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            .malformedFile(path: path, line: mark.line, reason: "this is not YAML: \(problem)")
        case .duplicatedKeysInMapping(let names, let context):
            .malformedFile(
                path: path, line: context.mark.line,
                reason: "a key occurs twice: \(names.joined(separator: ", "))")
        case .reader(let problem, _, _, _):
            .malformedFile(path: path, line: nil, reason: "this is not a text file: \(problem)")
        default:
            .malformedFile(path: path, line: nil, reason: "this is not YAML")
        }
    }
}
