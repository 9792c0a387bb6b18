import HTTPTypes

/// A request target taken apart: the path that routes see, and the query.
///
/// The path is decoded once and normalised, so that what a route matches is what a handler reads: dot segments are
/// removed whether they were encoded or not, and what would make the path ambiguous (an encoded slash or NUL) is refused.
/// - Source: RFC 9112 §3.2; RFC 3986 §5.2.4, §6.2.2
struct RequestTarget: Sendable, Equatable {
    /// The decoded path, beginning with a slash, or `*`.
    let path: String
    /// The decoded query.
    let query: Query

    /// Whether this is the asterisk form, by which OPTIONS asks about the server as a whole (RFC 9112 §3.2.4).
    var isAsterisk: Bool { path == "*" }

    /// Takes `text` apart. Its bytes have been checked against ``ByteSet/target``.
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
            // An empty path stands for "/" (RFC 9110 §4.2.3).
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
