extension HTTPCaseGroup {
    private static func length(_ fields: String..., body: String = "abcd", line: String = "POST /predict HTTP/1.1")
        -> String
    {
        HTTPCase.request(line, fields, body: body)
    }

    static let contentLengths = HTTPCaseGroup(
        title: "Content-Length",
        cases: [
            HTTPCase(
                "content of its length", "RFC 9112 §6.2", bytes: HTTPCase.post(Sample.png, "Content-Type: image/png"),
                [200], .stays),
            HTTPCase(
                "content to GET", "RFC 9110 §9.3.1", length("Content-Length: 4", line: "GET /healthz HTTP/1.1"), 200,
                .stays),
            HTTPCase(
                "a length of 0 to POST", "RFC 9112 §6.3",
                length("Content-Type: image/png", "Content-Length: 0", body: ""), 400, .stays),
            HTTPCase("no length to POST", "RFC 9112 §6.3", length("Content-Type: image/png", body: ""), 400, .stays),
            HTTPCase(
                "zeros before the length", "RFC 9112 §6.2",
                length("Content-Length: 0004", line: "GET /healthz HTTP/1.1"), 200, .stays),
            HTTPCase("a length with a plus sign", "RFC 9112 §6.2", length("Content-Length: +4"), 400, .closes),
            HTTPCase("a negative length", "RFC 9112 §6.2", length("Content-Length: -4"), 400, .closes),
            HTTPCase("a hexadecimal length", "RFC 9112 §6.2", length("Content-Length: 0x4"), 400, .closes),
            HTTPCase("a length with a fraction", "RFC 9112 §6.2", length("Content-Length: 4.0"), 400, .closes),
            HTTPCase("a length with an exponent", "RFC 9112 §6.2", length("Content-Length: 4e0"), 400, .closes),
            HTTPCase("an empty length", "RFC 9112 §6.2", length("Content-Length:"), 400, .closes),
            HTTPCase("a length with a blank inside", "RFC 9112 §6.2", length("Content-Length: 4 4"), 400, .closes),
            HTTPCase("a length with an underscore", "RFC 9112 §6.2", length("Content-Length: 4_0"), 400, .closes),
            HTTPCase("a length in Arabic digits", "RFC 9112 §6.2", length("Content-Length: ٤"), 400, .closes),
            HTTPCase(
                "two lengths that differ", "RFC 9112 §6.3", length("Content-Length: 4", "Content-Length: 5"), 400,
                .closes),
            HTTPCase(
                "the same length twice", "RFC 9112 §6.3", length("Content-Length: 4", "Content-Length: 4"), 400, .closes
            ),
            HTTPCase("a list of lengths", "RFC 9112 §6.3", length("Content-Length: 4, 4"), 400, .closes),
            HTTPCase(
                "a length beyond 64 bits", "RFC 9112 §6.2", length("Content-Length: 99999999999999999999999"), 413,
                .closes),
            HTTPCase("a length of 2^63", "RFC 9112 §6.2", length("Content-Length: 9223372036854775808"), 413, .closes),
            HTTPCase(
                "the longest content", "RFC 9110 §15.5.14",
                bytes: HTTPCase.post(Array(repeating: 0x61, count: 4096), "Content-Type: image/png"), [415], .stays),
            HTTPCase(
                "content that is a byte too long", "RFC 9110 §15.5.14",
                bytes: HTTPCase.post(Array(repeating: 0x61, count: 4097), "Content-Type: image/png"), [413], .closes),
            HTTPCase(
                "a length too large for a path that reads no content", "RFC 9110 §15.5.14",
                length("Content-Length: 4097", line: "GET /healthz HTTP/1.1"), 413, .closes),
        ])

    private static func coding(
        _ fields: String..., body: String = "4\r\nabcd\r\n0\r\n\r\n", line: String = "POST /predict HTTP/1.1"
    ) -> String {
        HTTPCase.request(line, fields, body: body)
    }

    static let transferEncodings = HTTPCaseGroup(
        title: "Transfer-Encoding",
        cases: [
            HTTPCase("chunked", "RFC 9112 §7.1", coding("Transfer-Encoding: chunked"), 415, .stays),
            HTTPCase("Chunked in other letters", "RFC 9112 §7", coding("Transfer-Encoding: ChUnKeD"), 415, .stays),
            HTTPCase(
                "chunked to GET", "RFC 9112 §6.1", coding("Transfer-Encoding: chunked", line: "GET /healthz HTTP/1.1"),
                200, .stays),
            HTTPCase(
                "chunked beside Content-Length", "RFC 9112 §6.3",
                coding("Transfer-Encoding: chunked", "Content-Length: 4"), 400, .closes),
            HTTPCase(
                "Content-Length before chunked", "RFC 9112 §6.3",
                coding("Content-Length: 4", "Transfer-Encoding: chunked"), 400, .closes),
            HTTPCase(
                "chunked in HTTP/1.0", "RFC 9112 §6.1",
                coding("Transfer-Encoding: chunked", line: "POST /predict HTTP/1.0"), 400, .closes),
            HTTPCase("gzip, then chunked", "RFC 9112 §7.2", coding("Transfer-Encoding: gzip, chunked"), 501, .closes),
            HTTPCase("chunked, then gzip", "RFC 9112 §6.3", coding("Transfer-Encoding: chunked, gzip"), 400, .closes),
            HTTPCase("chunked twice", "RFC 9112 §6.1", coding("Transfer-Encoding: chunked, chunked"), 400, .closes),
            HTTPCase(
                "chunked in two fields", "RFC 9112 §6.1",
                coding("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), 400, .closes),
            HTTPCase(
                "identity as a transfer coding", "RFC 9112 §7", coding("Transfer-Encoding: identity"), 501, .closes),
            HTTPCase("gzip alone", "RFC 9112 §6.3", coding("Transfer-Encoding: gzip"), 501, .closes),
            HTTPCase("a coding that nobody knows", "RFC 9112 §6.1", coding("Transfer-Encoding: cow"), 501, .closes),
            HTTPCase("xchunked", "RFC 9112 §6.1", coding("Transfer-Encoding: xchunked"), 501, .closes),
            HTTPCase("an empty Transfer-Encoding", "RFC 9112 §6.1", coding("Transfer-Encoding:"), 400, .closes),
            HTTPCase(
                "chunked in quotation marks", "RFC 9112 §6.1", coding("Transfer-Encoding: \"chunked\""), 400, .closes),
            HTTPCase(
                "chunked with a parameter", "RFC 9112 §7.1", coding("Transfer-Encoding: chunked;a=b"), 400, .closes),
            HTTPCase(
                "a vertical tab before chunked", "RFC 9110 §5.5", coding("Transfer-Encoding: \u{B}chunked"), 400,
                .closes),
            HTTPCase(
                "a name with an underscore instead", "RFC 9110 §5.1", coding("Transfer_Encoding: chunked", body: ""),
                400, .stays),
        ])

    static let chunks = HTTPCaseGroup(
        title: "Chunks",
        cases: [
            HTTPCase(
                "capital hexadecimal digits", "RFC 9112 §7.1", HTTPCase.chunked("A\r\n0123456789\r\n0\r\n\r\n"), 415,
                .stays),
            HTTPCase(
                "zeros before the size", "RFC 9112 §7.1", HTTPCase.chunked("0004\r\nabcd\r\n000\r\n\r\n"), 415, .stays),
            HTTPCase("no chunk but the last", "RFC 9112 §7.1", HTTPCase.chunked("0\r\n\r\n"), 400, .stays),
            HTTPCase(
                "a size that is no number", "RFC 9112 §7.1", HTTPCase.chunked("x\r\nabcd\r\n0\r\n\r\n"), 400, .closes),
            HTTPCase("an empty size", "RFC 9112 §7.1", HTTPCase.chunked("\r\nabcd\r\n0\r\n\r\n"), 400, .closes),
            HTTPCase("a negative size", "RFC 9112 §7.1", HTTPCase.chunked("-4\r\nabcd\r\n0\r\n\r\n"), 400, .closes),
            HTTPCase(
                "a size with a plus sign", "RFC 9112 §7.1", HTTPCase.chunked("+4\r\nabcd\r\n0\r\n\r\n"), 400, .closes),
            HTTPCase("a size with 0x", "RFC 9112 §7.1", HTTPCase.chunked("0x4\r\nabcd\r\n0\r\n\r\n"), 400, .closes),
            HTTPCase(
                "a blank before the size", "RFC 9112 §7.1", HTTPCase.chunked(" 4\r\nabcd\r\n0\r\n\r\n"), 400, .closes),
            HTTPCase(
                "a blank after the size", "RFC 9112 §7.1", HTTPCase.chunked("4 \r\nabcd\r\n0\r\n\r\n"), 400, .closes),
            HTTPCase(
                "a size of 17 digits", "RFC 9112 §7.1", HTTPCase.chunked("10000000000000000\r\nabcd"), 400, .closes),
            HTTPCase(
                "a size of 2^63 − 1", "RFC 9110 §15.5.14", HTTPCase.chunked("7fffffffffffffff\r\nabcd"), 413, .closes),
            HTTPCase(
                "a size line that ends in a bare LF", "RFC 9112 §7.1", HTTPCase.chunked("4\nabcd\r\n0\r\n\r\n"), 400,
                .closes),
            HTTPCase(
                "a chunk longer than its size", "RFC 9112 §7.1", HTTPCase.chunked("4\r\nabcde\r\n0\r\n\r\n"), 400,
                .closes),
            HTTPCase(
                "a chunk that ends in a bare LF", "RFC 9112 §7.1", HTTPCase.chunked("4\r\nabcd\n0\r\n\r\n"), 400,
                .closes),
            HTTPCase(
                "a chunk without its line end", "RFC 9112 §7.1", HTTPCase.chunked("4\r\nabcd0\r\n\r\n"), 400, .closes),
            HTTPCase("an extension", "RFC 9112 §7.1.1", HTTPCase.chunked("4;a=b\r\nabcd\r\n0\r\n\r\n"), 415, .stays),
            HTTPCase(
                "an extension without a value", "RFC 9112 §7.1.1", HTTPCase.chunked("4;a\r\nabcd\r\n0;b\r\n\r\n"), 415,
                .stays),
            HTTPCase(
                "an extension in quotation marks", "RFC 9112 §7.1.1",
                HTTPCase.chunked("4;a=\"b;c\\\"d\"\r\nabcd\r\n0\r\n\r\n"), 415, .stays),
            HTTPCase(
                "blanks around an extension", "RFC 9112 §7.1.1", HTTPCase.chunked("4 ; a = b\r\nabcd\r\n0\r\n\r\n"),
                415, .stays),
            HTTPCase(
                "an extension without a name", "RFC 9112 §7.1.1", HTTPCase.chunked("4;\r\nabcd\r\n0\r\n\r\n"), 400,
                .closes),
            HTTPCase(
                "an extension whose quotation does not end", "RFC 9112 §7.1.1",
                HTTPCase.chunked("4;a=\"b\r\nabcd\r\n0\r\n\r\n"), 400, .closes),
            HTTPCase(
                "a bare LF in an extension", "RFC 9112 §7.1.1", HTTPCase.chunked("4;a\nb\r\nabcd\r\n0\r\n\r\n"), 400,
                .closes),
            HTTPCase(
                "a bare CR in an extension", "RFC 9112 §7.1.1", HTTPCase.chunked("4;a\rb\r\nabcd\r\n0\r\n\r\n"), 400,
                .closes),
            HTTPCase(
                "something else after the size", "RFC 9112 §7.1.1", HTTPCase.chunked("4 a\r\nabcd\r\n0\r\n\r\n"), 400,
                .closes),
            HTTPCase(
                "extensions of more than 4 KiB", "RFC 9112 §7.1.1",
                HTTPCase.chunked("1;" + String(repeating: "a", count: 4096) + "\r\na\r\n0\r\n\r\n"), 400, .closes),
            HTTPCase(
                "chunks of the longest content together", "RFC 9110 §15.5.14",
                HTTPCase.chunked("1000\r\n" + String(repeating: "a", count: 4096) + "\r\n0\r\n\r\n"), 415, .stays),
            HTTPCase(
                "chunks of a byte more", "RFC 9110 §15.5.14",
                HTTPCase.chunked("1000\r\n" + String(repeating: "a", count: 4096) + "\r\n1\r\na\r\n0\r\n\r\n"), 413,
                .closes),
            HTTPCase(
                "a request hidden behind the last chunk", "RFC 9112 §11.2",
                bytes: Array((HTTPCase.chunked("4\r\nabcd\r\n0\r\n\r\n") + HTTPCase.get()).utf8), [415, 200], .stays),
        ])

    static let trailers = HTTPCaseGroup(
        title: "Trailers",
        cases: [
            HTTPCase("a trailer", "RFC 9112 §7.1.2", HTTPCase.chunked("4\r\nabcd\r\n0\r\nX: y\r\n\r\n"), 415, .stays),
            HTTPCase(
                "a trailer that nobody may take for a field", "RFC 9110 §6.5.1",
                HTTPCase.chunked("4\r\nabcd\r\n0\r\nContent-Length: 9\r\nHost: b\r\n\r\n"), 415, .stays),
            HTTPCase(
                "a trailer without a colon", "RFC 9112 §7.1.2", HTTPCase.chunked("4\r\nabcd\r\n0\r\nX\r\n\r\n"), 400,
                .closes),
            HTTPCase(
                "a trailer with a blank before its colon", "RFC 9112 §5.1",
                HTTPCase.chunked("4\r\nabcd\r\n0\r\nX : y\r\n\r\n"), 400, .closes),
            HTTPCase(
                "a folded trailer", "RFC 9112 §5.2", HTTPCase.chunked("4\r\nabcd\r\n0\r\nX: y\r\n z\r\n\r\n"), 400,
                .closes),
            HTTPCase(
                "a trailer that ends in a bare LF", "RFC 9112 §7.1.2", HTTPCase.chunked("4\r\nabcd\r\n0\r\nX: y\n\r\n"),
                400, .closes),
            HTTPCase(
                "128 trailers", "RFC 6585 §5",
                HTTPCase.chunked("0\r\n" + String(repeating: "X: y\r\n", count: 128) + "\r\n"), 400, .stays),
            HTTPCase(
                "129 trailers", "RFC 6585 §5",
                HTTPCase.chunked("0\r\n" + String(repeating: "X: y\r\n", count: 129) + "\r\n"), 431, .closes),
            HTTPCase(
                "trailers of more than 16 KiB", "RFC 6585 §5",
                HTTPCase.chunked("0\r\nX: " + String(repeating: "a", count: 16384) + "\r\n\r\n"), 431, .closes),
        ])
}
