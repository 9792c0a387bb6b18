import Foundation
import HTTPTypes

@testable import HTTPServer
@testable import HTTPServerTestSupport

extension FuzzTarget {
    /// Request heads, framing, targets and fields.
    static let messageTargets = [
        FuzzTarget(name: "request", run: request),
        FuzzTarget(name: "chunked") {
            request(Array("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".utf8) + $0)
        },
        FuzzTarget(name: "query", maxByteCount: 512, run: query),
        FuzzTarget(name: "field", maxByteCount: 512, run: field),
    ]

    /// The pieces in which a stream of requests comes make no difference, and every limit holds.
    private static func request(_ bytes: [UInt8]) {
        let limits = RequestParser.Limits(headerByteCount: 256, targetByteCount: 64, bodyByteCount: 100, fieldCount: 6)
        let whole = ParserRun(bytes, limits: limits)
        for size in [1, 7] {
            var pieces = ParserRun(bytes, pieces: size, limits: limits)
            // An error may quote less of a line that has not come whole.
            if pieces.error?.status == whole.error?.status { pieces.error = whole.error }
            pieces.unread = whole.unread
            require(pieces == whole, "pieces of \(size) bytes give \(pieces), the whole \(whole)")
        }
        for message in whole.messages {
            require(message.head.line.target.utf8.count <= limits.targetByteCount, "the limit of targets")
            require(message.head.headerFields.count <= limits.fieldCount, "the limit of fields")
            if message.head.framing == .chunked {
                require(message.body.count <= limits.bodyByteCount, "the limit of bodies")
            }
            require(
                message.head.target.path.hasPrefix("/") || message.head.target.path == "*", "a path begins with a slash"
            )
            require(!message.head.target.path.utf8.contains(0), "a path has no NUL")
            require(!message.head.target.path.split(separator: "/").contains(".."), "a path has no dot segments")
        }
    }

    /// Decoding what has been encoded gives the same again.
    private static func query(_ bytes: [UInt8]) {
        guard let text = String(validating: bytes, as: UTF8.self), let query = Query(encoded: text[...]) else { return }
        let encoded = query.items.map { "\(escaped($0.name))=\(escaped($0.value))" }.joined(separator: "&")
        require(Query(encoded: encoded[...]) == query, "\(query) is \(encoded) encoded")
        for method in [HTTPRequest.Method.get, .options] {
            guard bytes.allSatisfy(ByteSet.target.contains), let target = try? RequestTarget(text, method: method)
            else { continue }
            require(!target.path.utf8.contains { $0 < 0x20 || $0 == 0x7F }, "a path has no control characters")
        }
    }

    private static func escaped(_ text: String) -> String {
        text.utf8.map { "%" + String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    /// Values of fields that are read further: parameters, forwarded addresses, traces, hosts, encoded words.
    private static func field(_ bytes: [UInt8]) {
        _ = FieldParameters(bytes[...])
        let text = String(decoding: bytes, as: UTF8.self)
        _ = TextEncoding.decodingWords(text)
        _ = TextEncoding.extended(text)
        _ = TraceContext(text)
        _ = HostField.isValid(bytes)
        guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { return }
        var fields = HTTPFields()
        if let name = HTTPField.Name("Forwarded") { fields[name] = text }
        if let name = HTTPField.Name("X-Forwarded-For") { fields.append(HTTPField(name: name, value: text)) }
        let trusted = [AddressBlock("10.0.0.0/8"), AddressBlock("::1")].compactMap(\.self)
        if let address = ForwardedClient.address(in: fields, trusted: trusted) {
            require(ClientAddress(address) != nil, "\(address) is an address")
        }
    }
}
