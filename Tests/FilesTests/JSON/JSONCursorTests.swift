import Testing

@testable import Files

@Suite("JSON cursor")
struct JSONCursorTests {
    private struct Failure: JSONFailure, Equatable {
        let error: JSONError
        init(_ error: JSONError) { self.error = error }
        init(_ offset: Int, _ found: String, _ expected: String) {
            error = JSONError(offset: offset, found: found, expected: expected)
        }
    }

    private static func cursor(_ text: String) -> JSONCursor<Failure> {
        let bytes = Array(text.utf8)
        return JSONCursor(bytes, count: bytes.count)
    }

    private static func float(_ text: String) throws -> Float {
        var json = cursor(text)
        let value = try json.readFloat()
        try json.finish(expecting: "the end")
        return value
    }

    private static func floats(_ text: String, _ extents: [Int]) throws(Failure) -> [Float] {
        var json = cursor(text)
        var values: [Float] = []
        try json.readTensor(extents) { (json) throws(Failure) in values.append(try json.readFloat()) }
        try json.finish(expecting: "the end")
        return values
    }

    @Test(
        "Numbers are read as the nearest float32",
        arguments: [
            ("0", 0), ("-0", -0.0), ("1", 1), ("-1.5e0", -1.5), ("0.1", 0.1), ("1E2", 100), ("1e+2", 100),
            ("25e-1", 2.5),
            ("0.10000000149011612", 0.1), ("16777217", 16_777_216), ("16777217.0000000000000001", 16_777_218),
            ("3.4028234663852886e38", Float.greatestFiniteMagnitude), ("1e-45", Float.leastNonzeroMagnitude),
            ("1e-60", 0), ("0e99999999999", 0), ("123456789012345678901234567890", 1.2345679e29),
            ("0.00000000000000000000000000000000000001", 1e-38),
        ] as [(String, Float)])
    func numbers(text: String, value: Float) throws {
        let read = try Self.float(text)
        #expect(read == value && read.sign == value.sign, "\(read)")
    }

    @Test("Every float32 is read back from its shortest digits and from those of float64")
    func roundTrip() throws {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            let value = Float(bitPattern: UInt32.random(in: .min ... .max, using: &generator))
            guard value.isFinite else { continue }
            #expect(try Self.float("\(value)") == value)
            #expect(try Self.float("\(Double(value))") == value)
        }
    }

    @Test("Decimals near the middle between two float32 round as by the C library")
    func middles() throws {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            let value = Float.random(in: 0.001...1000, using: &generator)
            let middle = (Double(value) + Double(value.nextUp)) / 2
            for text in ["\(middle)", "\(middle.nextUp)", "\(middle.nextDown)"] {
                #expect(try Self.float(text) == Float(text), "\(text)")
            }
        }
    }

    @Test(
        "What is no JSON number is refused",
        arguments: ["", "+1", ".5", "1.", "1e", "1e+", "01", "-", "NaN", "Infinity", "0x1", "1e39", "-1e39", "--1"])
    func badNumbers(text: String) {
        #expect(throws: Failure.self) { try Self.float(text) }
    }

    @Test("A number is read at its length limit and refused one above")
    func longNumber() throws {
        let digits = String(repeating: "1", count: JSONNumber.maxLength - 2)
        #expect(try Self.float("0." + digits) == 0.11111111)
        #expect(throws: Failure.self) { try Self.float("0." + digits + "1") }
    }

    @Test("Values of a tensor come flat or nested as the shape says")
    func tensors() throws {
        #expect(try Self.floats("[1,2,3,4]", [2, 2]) == [1, 2, 3, 4])
        #expect(try Self.floats(" [ [ 1 , 2 ] , [ 3 , 4 ] ] ", [2, 2]) == [1, 2, 3, 4])
        #expect(try Self.floats("[[[1],[2]]]", [1, 2, 1]) == [1, 2])
    }

    @Test(
        "A value more or less is an error where it stands",
        arguments: [
            ("[1,2,3]", Failure(6, "an array of 3 values", "one of 4, as the shape says")),
            ("[]", Failure(1, "an array of no values", "one of 4, as the shape says")),
            ("[1,2,3,4,5]", Failure(9, "an array of more values", "one of 4, as the shape says")),
            ("[[1,2],[3]]", Failure(9, "an array of 1 values", "one of 2, as the shape says")),
            ("[[1,2],[3,4],[5,6]]", Failure(13, "an array of more values", "one of 2, as the shape says")),
            ("[[1,2,3],[4]]", Failure(6, "an array of more values", "one of 2, as the shape says")),
            ("[[1,2],3]", Failure(7, "byte 0x33", "'['")), ("[1,2,3 4]", Failure(7, "byte 0x34", "',' or ']'")),
            ("[[[1,2,3,4]]]", Failure(2, "byte 0x5b", "a number")), ("[1,2,3,", Failure(7, "the end", "a number")),
        ])
    private func tensorErrors(text: String, failure: Failure) {
        #expect(throws: failure) { try Self.floats(text, [2, 2]) }
    }

    @Test("Bytes are whole numbers of 0 to 255", arguments: [("0", 0), ("255", 255), ("-0", 0)] as [(String, UInt8)])
    func bytes(text: String, byte: UInt8) throws {
        var json = Self.cursor(text)
        #expect(try json.readByte() == byte)
    }

    @Test("Other numbers are no bytes", arguments: ["256", "-1", "1.0", "1e1", "99999999999999999999", "\"1\""])
    func badBytes(text: String) {
        #expect(throws: Failure.self) {
            var json = Self.cursor(text)
            _ = try json.readByte()
        }
    }

    @Test("Whatever is skipped is JSON, and nests no deeper than allowed")
    func skipping() throws {
        let depth = 32
        for text in [
            "1", "-1.5e3", "true", "false", "null", #""a\"\\b""#, "[]", "{}", #"[1, {"a": [null, "]"]}, "}"]"#,
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth),
        ] {
            var json = Self.cursor(text)
            try json.skipValue()
            try json.finish(expecting: "the end")
        }
        for text in [
            "", "nul", "tru", "[1,]", "[1 2]", #"{"a"}"#, #"{"a":}"#, "{1:2}", #""open"#, "]", "'a'", "\"\n\"",
            String(repeating: "[", count: depth + 1) + String(repeating: "]", count: depth + 1),
        ] {
            #expect(throws: Failure.self, "\(text)") {
                var json = Self.cursor(text)
                try json.skipValue()
            }
        }
    }

    @Test(
        "A string that is skipped has the escapes of JSON",
        arguments: [#""\0""#, #""\x41""#, #""\u12""#, #""\ud800""#, #""\""#, #"{"\q": 1}"#, #"[1, "a\'b"]"#])
    func skippedEscapes(text: String) {
        var json = Self.cursor(text)
        #expect(throws: Failure.self) {
            try json.skipValue()
            try json.finish(expecting: "the end")
        }
    }

    @Test("Text that is not UTF-8 is refused where it is read")
    func utf8() {
        let bytes: [UInt8] = [0x22, 0xC3, 0x28, 0x22]
        #expect(throws: Failure(0, "bytes that are not UTF-8", "UTF-8")) {
            var json = JSONCursor<Failure>(bytes, count: bytes.count)
            _ = try json.readString()
        }
    }

    @Test("Nothing behind the given count is read")
    func count() throws {
        var json = JSONCursor<Failure>(Array("12345".utf8), count: 2)
        #expect(try json.readNumber() == 12)
        try json.finish(expecting: "the end")
    }
}
