import HTTPTypes
import Testing

@testable import HTTPServer
@testable import HTTPServerTestSupport

@Suite(.timeLimit(.minutes(1))) struct MultipartParserTests {
    /// Parses `body` in pieces of `size` bytes.
    private func parse(
        _ body: String, boundary: String = "B", pieces size: Int = .max, parts: Int = 4, headerBytes: Int = 200
    ) throws(MultipartError) -> [Part] {
        try parse(Array(body.utf8), boundary: boundary, pieces: size, parts: parts, headerBytes: headerBytes)
    }

    private func parse(
        _ body: [UInt8], boundary: String, pieces size: Int, parts: Int = 4, headerBytes: Int = 200
    ) throws(MultipartError) -> [Part] {
        let limits = MultipartParser.Limits(partCount: parts, partHeaderByteCount: headerBytes)
        var parser = try MultipartParser(boundary: boundary, limits: limits)
        let result: Result<[Part], MultipartError> = body.withUnsafeBytes { bytes in
            do throws(MultipartError) {
                var end = 0
                while end < bytes.count {
                    end = size < bytes.count - end ? end + size : bytes.count
                    try parser.read(UnsafeRawBufferPointer(rebasing: bytes[..<end]))
                }
                return .success(try parser.parts(of: body))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    @Test(arguments: [1, 2, 3, 5, 8, 13, 64, .max])
    func `parts are read however the body is cut`(pieces: Int) throws {
        let text =
            "ignored\r\n\r\n--B \t\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a\\\"b;\\\\c.jpg\"\r\n"
            + "content-type: image/jpeg\r\n\r\nline\r\n--\r\n-B\r\n\r--B\r\n\r\n--\r\n--B\r\n"
            + "Content-Disposition: form-data; name=k\r\n\r\n\r\n--B\r\n\r\nbare\r\n--B\r\nX: y\r\n\r\n--B--\r\nepilogue --B"
        let parts = try parse(text, pieces: pieces)
        #expect(
            parts == [
                Part(
                    name: "image", filename: "a\"b;\\c.jpg", contentType: "image/jpeg",
                    bytes: ArraySlice("line\r\n--\r\n-B\r\n\r--B\r\n\r\n--".utf8)),
                Part(name: "k"),
                Part(bytes: ArraySlice("bare".utf8)),
                Part(),
            ])
    }

    /// What Java's tutorials, browsers, and people who write it by hand send.
    @Test(arguments: [
        ("boundary=*****", "*****"), ("boundary=a&b", "a&b"), ("boundary=~", "~"), ("boundary=@x@", "@x@"),
        ("boundary=!", "!"),
        ("boundary=#1", "#1"), ("boundary=\"a;b c\"", "a;b c"), ("boundary=a{b}", "a{b}"), ("boundary=a\"b", "a\"b"),
        ("boundary=\"--x\"; charset=utf-8", "--x"), ("charset; boundary = x", "x"), ("BOUNDARY=x;", "x"),
        ("boundary=-", "-"),
        ("boundary=" + String(repeating: "%", count: 200), String(repeating: "%", count: 200)),
    ])
    func `every boundary of visible characters is read`(parameters: String, boundary: String) throws {
        let limits = MultipartParser.Limits(partCount: 4, partHeaderByteCount: 200)
        let body = Array("--\(boundary)\r\nX: y\r\n\r\nabc\r\n--\(boundary)\r\n\r\n\r\n--\(boundary)--".utf8)
        for size in [1, 3, body.count] {
            var parser = try #require(
                try MultipartParser(contentType: "multipart/form-data;" + parameters, limits: limits))
            try body.withUnsafeBytes { bytes in
                for end in stride(from: size, to: bytes.count, by: size) {
                    try parser.read(UnsafeRawBufferPointer(rebasing: bytes[..<end]))
                }
                try parser.read(bytes)
            }
            #expect(try parser.parts(of: body) == [Part(bytes: ArraySlice("abc".utf8)), Part()])
        }
    }

    @Test(arguments: [1, 2, 5, .max])
    func `a body with bare line feeds throughout is read`(pieces: Int) throws {
        let text =
            "preamble\n--B \nContent-Disposition: form-data; name=a\nContent-Type: image/png\n\nx\r\n-B\r\n\n--B\n\n\n--B\n\n--B--\n"
        #expect(
            try parse(text, pieces: pieces) == [
                Part(name: "a", contentType: "image/png", bytes: ArraySlice("x\r\n-B\r\n".utf8)), Part(), Part(),
            ])
        // And the reverse: where lines end in CR LF a bare LF is content.
        #expect(
            try parse("--B\r\n\r\nx\n--B\n\r\n--B--", pieces: pieces) == [Part(bytes: ArraySlice("x\n--B\n".utf8))])
    }

    @Test(arguments: [1, 3, .max])
    func `folded fields are put together`(pieces: Int) throws {
        let text =
            "--B\r\nContent-Disposition: form-data;\r\n  name=\"a\";\r\n\tfilename=\"b\"\r\nX:\r\n\r\nabc\r\n--B--"
        #expect(try parse(text, pieces: pieces) == [Part(name: "a", filename: "b", bytes: ArraySlice("abc".utf8))])
    }

    @Test func `names in Latin-1 are read as that, and odd parameters do no harm`() throws {
        let latin1 =
            Array("--B\r\nContent-Disposition: form-data; name=\"image\"; filename=\"caf".utf8) + [0xE9]
            + Array("\"\r\n\r\nx\r\n--B--".utf8)
        #expect(try parse(latin1, boundary: "B", pieces: .max).first?.filename == "café")
        for disposition in [
            "form-data; x; name=a; filename=b c.png", "form-data; name=a; filename=b c.png;",
            "FORM-DATA;;name=\"a\";filename = \"b c.png\"",
            "file; name=a; filename=\"b c.png\"; size=",
        ] {
            let part = try parse("--B\r\ncontent-disposition:\(disposition)\r\n\r\n\r\n--B--").first
            #expect(part == Part(name: "a", filename: "b c.png"), "\(disposition)")
        }
    }

    @Test func `a part may have as many fields as the limit and no more`() throws {
        func body(_ count: Int) -> [UInt8] {
            Array(("--B\r\n" + String(repeating: "X:\r\n", count: count) + "\r\nx\r\n--B--").utf8)
        }
        func parts(_ count: Int) throws -> Int {
            let limits = MultipartParser.Limits(partCount: 1, partHeaderByteCount: 1000, partFieldCount: 5)
            var parser = try MultipartParser(boundary: "B", limits: limits)
            try body(count).withUnsafeBytes { try parser.read($0) }
            return try parser.parts(of: body(count)).count
        }
        #expect(try parts(5) == 1)
        let error = #expect(throws: MultipartError.self) { try parts(6) }
        #expect(error == .tooManyFields(part: 1, limit: 5) && error?.status == .badRequest)
    }

    @Test func `content full of near delimiters survives every cut`() throws {
        var content: [UInt8] = []
        for length in 0...12 { content += Array("\r\n--boundar\r\r\n".utf8.prefix(length)) }
        let body =
            Array("--boundary\r\n\r\n".utf8) + content + Array("\r\n--boundary--".utf8)
        for size in 1...body.count {
            #expect(
                try parse(body, boundary: "boundary", pieces: size) == [Part(bytes: content[...])], "pieces of \(size)")
        }
    }

    @Test func `damaged bodies are read the same in all pieces`() {
        let good = Array(
            ("--B\r\nContent-Disposition: form-data; name=\"a\"; filename=\"b\"\r\n\r\nxyz\r\n-\r\n--B\r\n\r\n\r\n--B--\r\n")
                .utf8)
        var mutations = Mutations(seed: 2)
        var refused = 0
        for _ in 0..<500 {
            let body = mutations.damage(good)
            let whole = Result { () throws(MultipartError) in try parse(body, boundary: "B", pieces: .max) }
            for size in [1, 2, 7] {
                let pieces = Result { () throws(MultipartError) in try parse(body, boundary: "B", pieces: size) }
                switch (whole, pieces) {
                case (.success(let one), .success(let other)): #expect(one == other)
                case (.failure(let one), .failure(let other)): #expect(one.status == other.status)
                default: Issue.record("pieces of \(size) matter: \(String(decoding: body, as: UTF8.self))")
                }
            }
            if case .failure = whole { refused += 1 }
        }
        #expect(refused > 100)
    }

    @Test func `a body without parts is empty`() throws {
        #expect(try parse("--B--\r\n") == [])
        #expect(try parse("--B--") == [])
    }

    @Test func `a file name beyond ASCII is read in every way that clients write it`() throws {
        func part(_ disposition: String) throws -> Part? {
            try parse("--B\r\nContent-Disposition: \(disposition)\r\n\r\n\r\n--B--").first
        }
        #expect(try part("form-data; name=a; filename*=UTF-8''%e2%82%ac.png")?.filename == "€.png")
        #expect(try part("form-data; filename*=UTF-8''x; filename=\"y\"")?.filename == "x")
        #expect(try part("form-data; filename=\"y\"; filename*=UTF-8'en'%C3%A9")?.filename == "é")
        #expect(try part("form-data; filename*=iso-8859-1''caf%E9.png")?.filename == "café.png")
        #expect(try part("form-data; filename=\"y\"; filename*=UTF-8''%FF")?.filename == "y")
        #expect(try part("form-data; filename*=x.png")?.filename == "x.png")
        #expect(try part("form-data; name=\"=?utf-8?B?Y2Fmw6k=?=\"")?.name == "café")
        #expect(try part("form-data; filename==?iso-8859-1?Q?caf=E9_1.png?=")?.filename == "café 1.png")
        #expect(try part("form-data; name=\"café\"; filename=\"C:\\temp\\x.png\"")?.filename == "C:\\temp\\x.png")
        #expect(try part("form-data; name=\"café\"")?.name == "café")
    }

    static let malformed: [(String, MultipartError)] = [
        ("", .noDelimiter(boundary: "B")),
        ("nothing here", .noDelimiter(boundary: "B")),
        ("x--B--", .noDelimiter(boundary: "B")),
        ("--B", .unterminated(part: 1)),
        ("--B\r\nX: y", .unterminated(part: 1)),
        ("--B\r\n\r\nabc", .unterminated(part: 1)),
        ("--B\r\n\r\nabc\r\n--B\r\n\r\nabc\r\n--B", .unterminated(part: 3)),
        ("--BX\r\n\r\nabc\r\n--B--", .delimiterLine(part: 1, found: "X")),
        ("--B-\r\n\r\nabc\r\n--B--", .delimiterLine(part: 1, found: "-\\x0D")),
        ("--B\r\n\r\nabc\r\n--B\n\nabc\r\n--B--", .delimiterLine(part: 2, found: "\\x0A")),
        ("--B\n\nabc\n--B\r\n\r\nabc\n--B--", .delimiterLine(part: 2, found: "\\x0D")),
        ("--B\nX: a\r\n\nabc\n--B--", .fieldLine(part: 1, found: "X: a\\x0D")),
        ("--B\r\n X: a\r\n\r\nabc\r\n--B--", .fieldLine(part: 1, found: " X: a")),
        ("--B\r\nX : a\r\n\r\nabc\r\n--B--", .fieldLine(part: 1, found: "X : a")),
        ("--B\r\rX", .delimiterLine(part: 1, found: "\\x0D\\x0D")),
        ("--B\r\nno colon\r\n\r\nabc\r\n--B--", .fieldLine(part: 1, found: "no colon")),
        ("--B\r\nX: a\nY: b\r\n\r\nabc\r\n--B--", .fieldLine(part: 1, found: "X: a\\x0AY: b")),
        (
            "--B\r\nContent-Disposition: form-data; name=\"a\r\n\r\nabc\r\n--B--",
            .contentDisposition(part: 1, found: "form-data; name=\"a")
        ),
        (
            "--B\r\nContent-Transfer-Encoding: base64\r\n\r\nabc\r\n--B--",
            .transferEncoding(part: 1, found: "base64")
        ),
    ]

    @Test(arguments: malformed)
    func `a malformed body says what is wrong with it`(body: String, error: MultipartError) {
        for size in [1, 3, .max] {
            #expect(throws: error) { try parse(body, pieces: size) }
        }
        #expect(error.description.hasSuffix("."))
    }

    @Test func `there may be as many parts as the limit and no more`() throws {
        func body(_ count: Int) -> String { String(repeating: "--B\r\n\r\nx\r\n", count: count) + "--B--" }
        #expect(try parse(body(4)).count == 4)
        let error = #expect(throws: MultipartError.self) { try parse(body(5)) }
        #expect(error == .tooManyParts(limit: 4) && error?.status == .contentTooLarge)
    }

    @Test(arguments: [1, 50, .max])
    func `the fields of a part may be as long as the limit and no longer`(pieces: Int) throws {
        func body(_ count: Int) -> String {
            "--B\r\nX:" + String(repeating: "y", count: count - 4) + "\r\n\r\nx\r\n--B--"
        }
        #expect(try parse(body(200), pieces: pieces).count == 1)
        #expect(throws: MultipartError.headerTooLong(part: 1, limit: 200)) { try parse(body(201), pieces: pieces) }
    }

    @Test(arguments: [
        ("multipart/form-data", MultipartError.missingBoundary), ("multipart/form-data; a=b", .missingBoundary),
        ("Multipart/Form-Data; boundary=", .missingBoundary), ("multipart/form-data; boundary=\"a", .missingBoundary),
        ("multipart/form-data; boundary=a\tb", .boundary(found: "a\\x09b")),
        (
            "multipart/form-data; boundary=" + String(repeating: "b", count: 201),
            .boundary(found: String(repeating: "b", count: 60) + "…")
        ),
        ("multipart/form-data; boundary=\"a \"", .boundary(found: "a ")),
    ])
    func `a boundary must be there and sane`(contentType: String, error: MultipartError) {
        let limits = MultipartParser.Limits(partCount: 1, partHeaderByteCount: 1)
        #expect(throws: error) {
            try MultipartParser(contentType: contentType, limits: limits)
        }
    }

    @Test func `other types are not for this parser`() throws {
        let limits = MultipartParser.Limits(partCount: 1, partHeaderByteCount: 1)
        for type in [nil, "image/png", "multipart/mixed; boundary=a", "multipart/form-datax; boundary=a"] {
            #expect(try MultipartParser(contentType: type, limits: limits) == nil)
        }
        #expect(
            try MultipartParser(
                contentType: "multipart/form-data; boundary=\"a b\"", limits: limits) != nil)
    }
}
