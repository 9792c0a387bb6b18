import Foundation
import HTTPTypes

/// A parsed request target: the path that routes match, and the query.
///
/// The path is decoded once and normalised, so that what a route matches is what a handler reads: dot segments are
/// removed whether they were encoded or not, and an encoded slash or control character, which would be ambiguous, is
/// refused.
/// - Source: RFC 9112 §3.2; RFC 3986 §5.2.4, §6.2.2
struct RequestTarget: Sendable, Equatable {
    /// The decoded path, which begins with a slash, or `*`.
    let path: String
    /// The decoded query.
    let query: Query

    /// Whether this is the asterisk form: OPTIONS for the server as a whole (RFC 9112 §3.2.4).
    var isAsterisk: Bool { path == "*" }

    /// Parses `text`, whose bytes have been checked against ``ByteSet/target``.
    init(_ text: String, method: HTTPRequest.Method) throws(RequestError) {
        if method == .connect { throw .connect }  // authority-form (RFC 9112 §3.2.3)
        if text == "*" {
            guard method == .options else {
                throw .target(found: "*", reason: "'*' goes with OPTIONS only; send a path that begins with '/'")
            }
            self.path = "*"
            self.query = Query()
            return
        }

        let pathAndQuery = try Self.originForm(text)
        let questionMark = pathAndQuery.utf8.firstIndex(of: UInt8(ascii: "?"))
        guard let path = Self.normalise(pathAndQuery[..<(questionMark ?? pathAndQuery.endIndex)]) else {
            throw .target(
                found: Excerpt.of(text),
                reason:
                    "'%' must be followed by two hexadecimal digits, and the path may not encode a slash, a control "
                    + "character or anything that is not UTF-8"
            )
        }
        self.path = path
        if let questionMark {
            guard let query = Query(encoded: pathAndQuery[pathAndQuery.utf8.index(after: questionMark)...]) else {
                throw .target(
                    found: Excerpt.of(text),
                    reason: "'%' in the query must be followed by two hexadecimal digits, and encode UTF-8"
                )
            }
            self.query = query
        } else {
            self.query = Query()
        }
    }

    /// The path and query of an origin-form or absolute-form target (RFC 9112 §3.2.1, §3.2.2).
    private static func originForm(_ text: String) throws(RequestError) -> Substring {
        if text.utf8.first == UInt8(ascii: "/") { return text[...] }
        let lowercased = text.prefix(8).lowercased()
        for scheme in ["http://", "https://"] where lowercased.hasPrefix(scheme) {
            let rest = text.dropFirst(scheme.count)
            let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
            guard HostField.isValid(rest[..<end].utf8) else {
                throw .target(
                    found: Excerpt.of(text),
                    reason:
                        "between '\(scheme)' and the path there must be a host, and a port if needed, and nothing else")
            }
            // An empty path means "/" (RFC 9110 §4.2.3).
            if end == rest.endIndex { return "/" }
            return rest[end] == "?" ? "/" + rest[end...] : rest[end...]
        }
        throw .target(found: Excerpt.of(text), reason: "it must be a path that begins with '/'")
    }

    /// The path with its segments decoded and dot segments removed (RFC 3986 §5.2.4).
    private static func normalise(_ path: Substring) -> String? {
        let isPlain = !path.utf8.contains { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: ".") }
        if isPlain { return String(path) }

        var kept: [String] = []
        let segments = path.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        for (index, raw) in segments.enumerated() {
            guard let segment = PercentDecoding.decode(raw) else { return nil }
            guard !segment.utf8.contains(where: { $0 == UInt8(ascii: "/") || $0 < 0x20 || $0 == 0x7F }) else {
                return nil
            }
            let isLast = index == segments.count - 1
            switch segment {
            case ".":
                if isLast { kept.append("") }
            case "..":
                _ = kept.popLast()
                if isLast { kept.append("") }
            default: kept.append(segment)
            }
        }
        return "/" + kept.joined(separator: "/")
    }
}

/// The grammar of the field Host and of the authority in an absolute target: `uri-host [ ":" port ]`.
///
/// - Source: RFC 9110 §7.2; RFC 3986 §3.2.2
enum HostField {
    /// The longest name (RFC 1035 §2.3.4 counts 255 with length bytes). Units: bytes.
    private static let maxNameByteCount = 255

    /// Whether `text` is a host, and a port if there is one. No user, no list, no path, and not empty, since the http
    /// scheme has no empty host (RFC 9110 §4.2.1). Commas, which the grammar allows in names, are refused: they are the
    /// sign of two hosts joined to one.
    static func isValid(_ text: some BidirectionalCollection<UInt8>) -> Bool {
        guard let first = text.first else { return false }
        var rest = text[...]
        if first == UInt8(ascii: "[") {
            guard let end = rest.firstIndex(of: UInt8(ascii: "]")) else { return false }
            guard isLiteral(String(decoding: rest[..<end].dropFirst(), as: UTF8.self)) else { return false }
            rest = rest[rest.index(after: end)...]
        } else {
            let end = rest.firstIndex(of: UInt8(ascii: ":")) ?? rest.endIndex
            guard isName(rest[..<end]) else { return false }
            rest = rest[end...]
        }
        guard let colon = rest.first else { return true }
        return colon == UInt8(ascii: ":") && isPort(rest.dropFirst())
    }

    /// Whether this is a `reg-name`, which includes IPv4 addresses.
    private static func isName(_ text: some BidirectionalCollection<UInt8>) -> Bool {
        guard !text.isEmpty, text.count <= maxNameByteCount else { return false }
        var iterator = text.makeIterator()
        while let byte = iterator.next() {
            if byte == UInt8(ascii: "%") {
                guard iterator.next().flatMap(PercentDecoding.hexadecimalValue) != nil,
                    iterator.next().flatMap(PercentDecoding.hexadecimalValue) != nil
                else { return false }
            } else if !ByteSet.hostName.contains(byte) {
                return false
            }
        }
        return true
    }

    /// Whether this may stand between brackets: an IPv6 address, or one of a future version (`v1.x`).
    private static func isLiteral(_ text: String) -> Bool {
        var address = in6_addr()
        if inet_pton(AF_INET6, text, &address) == 1 { return true }
        let bytes = Array(text.utf8)
        guard bytes.first == UInt8(ascii: "v") || bytes.first == UInt8(ascii: "V"),
            let dot = bytes.firstIndex(of: UInt8(ascii: ".")), dot > 1, dot + 1 < bytes.count
        else { return false }
        return bytes[1..<dot].allSatisfy { PercentDecoding.hexadecimalValue($0) != nil }
            && bytes[(dot + 1)...].allSatisfy {
                ByteSet.hostName.contains($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ",")
            }
    }

    /// `*DIGIT`, at most 65535; no digit means the scheme's default.
    private static func isPort(_ text: some BidirectionalCollection<UInt8>) -> Bool {
        var port = 0
        for byte in text {
            guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte else { return false }
            port = port * 10 + Int(byte - UInt8(ascii: "0"))
            guard port <= 65535 else { return false }
        }
        return true
    }
}
