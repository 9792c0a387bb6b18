import Testing

@testable import Inference

@Suite("Class-index maps")
struct ClassMapTests {
    @Test(
        "Every form that tutorials write is understood",
        arguments: [
            #"{"0": "daisy", "1": "roses", "2": "tulips"}"#,
            #"{"2": "tulips", "0": "daisy", "1": "roses"}"#,
            #"{"daisy": 0, "tulips": 2, "roses": 1}"#,
            #" ["daisy", "roses", "tulips"] "#,
            "daisy\nroses\ntulips\n",
            "daisy\r\nroses\r\n  tulips  \r\n\r\n",
        ])
    func forms(_ text: String) throws {
        #expect(try ClassMap(Array(text.utf8)).names == ["daisy", "roses", "tulips"])
    }

    @Test("Names may hold anything, and are written as class_indices.json has them")
    func json() throws {
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

    @Test(
        "What is no map is refused with the reason",
        arguments: [
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
            (#"{"0": ["a"]}"#, .notAMap),
            ("[1, 2]", .notAMap),
            ("{", .notAMap),
            (#"["a", ""]"#, .unnamed(index: 1)),
            ("a\n\nc", .unnamed(index: 1)),
        ])
    func refusals(_ text: String, _ error: ClassMapError) {
        #expect(throws: error) { try ClassMap(Array(text.utf8)) }
        #expect(error.description.hasSuffix("."))
    }

    @Test("Bytes that are not UTF-8 are refused")
    func notUTF8() {
        #expect(throws: ClassMapError.notUTF8) { try ClassMap([0xFF, 0xFE, 0x41]) }
    }
}
