import Testing

@testable import Inference

@Suite("Class-index maps", .timeLimit(.minutes(2)))
struct ClassMapTests {
    @Test(arguments: [
        #"{"0": "daisy", "1": "roses", "2": "tulips"}"#,
        #"{"2": "tulips", "0": "daisy", "1": "roses"}"#,
        #"{"daisy": 0, "tulips": 2, "roses": 1}"#,
        #" ["daisy", "roses", "tulips"] "#,
        "daisy\nroses\ntulips\n",
        "daisy\r\nroses\r\n  tulips  \r\n\r\n", "daisy\rroses\rtulips", "\u{FEFF}daisy\nroses\ntulips",
        "\u{FEFF}{\"0\": \"daisy\",\r\n\"1\": \"roses\", \"2\": \"tulips\"}\r\n",
        #"{"0": ["n11939491", "daisy"], "1": ["n12620546", "roses"], "2": ["n1", "tulips"]}"#,
        #"[["n11939491", "daisy"], ["n12620546", "roses"], ["tulips"]]"#,
    ])
    func `every form that tutorials write is understood`(_ text: String) throws {
        #expect(try ClassMap(Array(text.utf8)).names == ["daisy", "roses", "tulips"])
    }

    @Test func `names may hold anything, and are written as class_indices.json has them`() throws {
        let map = try ClassMap(Array(#"["T-shirt/top", "say \"hi\"", "Löwenzahn"]"#.utf8))
        #expect(
            map.json == """
                {
                    "0": "T-shirt/top",
                    "1": "say \\"hi\\"",
                    "2": "Löwenzahn"
                }

                """)
        #expect(try ClassMap(Array(map.json.utf8)) == map)
    }

    @Test(arguments: [
        ("", ClassMapError.empty),
        (" \n", .empty),
        ("[]", .empty),
        ("{}", .empty),
        (#"{"0": "a", "2": "c"}"#, .missing(index: 1)),
        (#"{"1": "a"}"#, .missing(index: 0)),
        (#"{"a": 0, "b": 0}"#, .duplicate(index: 0)),
        (#"{"-1": "a", "0": "b"}"#, .notAnIndex("-1")),
        (#"{"a": -1}"#, .notAnIndex("-1")),
        (#"{"+0": "a"}"#, .notAnIndex("+0")),
        (#"{"00": "a"}"#, .notAnIndex("00")),
        (#"{"x": "a"}"#, .notAnIndex("x")),
        (#"{"a": 1.5}"#, .notAnIndex("1.5")),
        (#"{"0": "a", "0": "b"}"#, .duplicate(index: 0)),
        (#"{"0": "a", "b": 1}"#, .notAMap),
        (#"{"0": []}"#, .notAMap),
        (#"{"0": ["n1", "a", "b"]}"#, .notAMap),
        (#"{"0": {"name": "a"}}"#, .notAMap),
        ("[1, 2]", .notAMap),
        ("{", .malformed(offset: 1, found: "the end", expected: "'\"'")),
        (#"{"0": "a",}"#, .malformed(offset: 10, found: "byte 0x7d", expected: "'\"'")),
        (#"["a"] x"#, .malformed(offset: 6, found: "byte 0x78", expected: "the end of the class map")),
        (#"["a", ""]"#, .unnamed(index: 1)),
        ("a\n\nc", .unnamed(index: 1)),
    ])
    func `anything but a map is refused with the reason`(_ text: String, _ error: ClassMapError) {
        #expect(throws: error) { try ClassMap(Array(text.utf8)) }
        #expect(error.description.hasSuffix("."))
    }

    @Test func `bytes that are not UTF-8 are refused`() {
        #expect(
            throws: ClassMapError.notText(
                found: "is probably GBK, as Chinese Windows saves text: save it as UTF-8")
        ) { try ClassMap([0xC3, 0xB5, 0xB9, 0xE5]) }
    }

    @Test func `UTF-16 with a byte order mark is read, as Windows PowerShell writes it`() throws {
        let bytes: [UInt8] = [0xFF, 0xFE] + "玫瑰\r\n菊\r\n".utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
        #expect(try ClassMap(bytes).names == ["玫瑰", "菊"])
    }

    @Test func `the number of names is bounded`() throws {
        func map(_ count: Int) throws -> ClassMap { try ClassMap(text: String(repeating: "a\n", count: count)) }
        #expect(try map(1 << 20).count == 1 << 20)
        #expect(throws: ClassMapError.tooMany(limit: 1 << 20)) { try map(1 << 20 + 1) }
        let json = "[" + String(repeating: "\"a\",", count: 1 << 20) + "\"a\"]"
        #expect(throws: ClassMapError.tooMany(limit: 1 << 20)) { try ClassMap(text: json) }
    }
}
