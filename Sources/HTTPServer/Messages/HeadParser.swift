import HTTPTypes

/// Reads the head of a request out of bytes that hold it whole; does no I/O and keeps no state.
///
/// The fields that decide where the request ends are judged on the lines as they were sent, never on a dictionary: a
/// repetition that vanished there would let two parties disagree about the framing (request smuggling).
enum HeadParser {
    /// Of a method. The longest registered one has 17 letters.
    static let maxMethodByteCount = 64

    /// Reads the first line, without its CR LF.
    /// - Source: RFC 9112 §3
    static func requestLine(_ line: UnsafeRawBufferPointer) throws(RequestError) -> RequestLine {
        // Exactly one space between the parts: being lenient here is another door to smuggling (RFC 9112 §3).
        guard let first = line.firstOffset(of: Octet.space),
            let second = line.firstOffset(of: Octet.space, from: first + 1),
            line.firstOffset(of: Octet.space, from: second + 1) == nil,
            first > 0, second > first + 1
        else { throw .requestLine(found: Excerpt.of(line)) }

        let rawMethod = line.slice(0..<first)
        guard rawMethod.count <= maxMethodByteCount, ByteSet.token.containsAll(rawMethod),
            let method = HTTPRequest.Method(rawMethod.text)
        else {
            throw .requestLine(found: Excerpt.of(line))
        }
        let rawTarget = line.slice(first + 1..<second)
        guard ByteSet.target.containsAll(rawTarget) else {
            throw .target(
                found: Excerpt.of(rawTarget),
                reason: "it holds a control character, '#' or bytes beyond ASCII; percent-encode them"
            )
        }
        let version = try version(line.slice(second + 1..<line.count), in: line)
        return RequestLine(method: method, target: rawTarget.text, version: version)
    }

    /// Reads `HTTP-version = "HTTP" "/" DIGIT "." DIGIT` (RFC 9112 §2.3).
    private static func version(
        _ bytes: UnsafeRawBufferPointer, in line: UnsafeRawBufferPointer
    ) throws(RequestError) -> HTTPVersion {
        switch bytes.text {
        case "HTTP/1.1": return .http11
        case "HTTP/1.0": return .http10
        case let text:
            let digits: ClosedRange<Character> = "0"..."9"
            let characters = Array(text)
            guard bytes.count == 8, text.hasPrefix("HTTP/"), characters.count == 8, characters[6] == ".",
                digits.contains(characters[5]), digits.contains(characters[7])
            else { throw .requestLine(found: Excerpt.of(line)) }
            // A higher minor version is this one with more that may be ignored (RFC 9110 §2.5).
            if characters[5] == "1" { return .http11 }
            throw .version(found: text)
        }
    }

    /// Reads the field lines in `bytes`: each with its CR LF, without the empty line that ends them.
    static func head(_ line: RequestLine, fields bytes: UnsafeRawBufferPointer) throws(RequestError) -> RequestHead {
        var fields = HTTPFields()
        var facts = FramingFacts()
        var start = 0
        while start < bytes.count {
            // The parser has seen every line end: CR LF, never a bare LF.
            let end = bytes.firstOffset(of: Octet.lineFeed, from: start) ?? bytes.count
            let field = try FieldLine.parse(bytes.slice(start..<max(start, end - 1)))
            try facts.note(field)
            fields.append(field)
            start = end + 1
        }

        let target = try RequestTarget(line.target, method: line.method)
        // The target's own host counts; Host must be there all the same (RFC 9112 §3.2.2).
        try facts.checkHost(line.version)
        let framing = try facts.framing(line.version)
        let expectsContinue = try facts.expectsContinue(line.version)
        return RequestHead(
            line: line, target: target, headerFields: fields, framing: framing,
            keepsAlive: facts.keepsAlive(line.version), expectsContinue: expectsContinue,
            requestID: facts.requestID, contentType: facts.contentType, contentCodings: facts.contentCodings
        )
    }
}
