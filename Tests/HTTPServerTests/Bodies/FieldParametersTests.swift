import Testing

@testable import HTTPServer

@Suite(.timeLimit(.minutes(1))) struct TextEncodingTests {
    @Test(arguments: [
        ("plain.png", "plain.png"), ("=?utf-8?B?Y2Fmw6kucG5n?=", "café.png"),
        ("=?UTF-8?q?caf=C3=A9_1.png?=", "café 1.png"),
        ("=?iso-8859-1?Q?caf=E9?=", "café"), ("=?utf-8*en?B?eA==?=", "x"), ("a =?utf-8?B?eA==?= b", "a x b"),
        ("=?utf-8?B?eA==?= =?utf-8?B?eQ==?=", "xy"), ("=?utf-8?B?eA==?= - =?utf-8?B?eQ==?=", "x - y"),
        // A character in two words.
        ("=?utf-8?B?w==?= =?utf-8?Q?=A9?=", "=?utf-8?B?w==?= =?utf-8?Q?=A9?="),
        ("=?utf-8?Q?=C3?= =?utf-8?Q?=A9?=", "é"),
        ("=?utf-8?B?eA==?= =?iso-8859-1?Q?=E9?=", "xé"),
        // What is none stays.
        ("=?utf-8?B?", "=?utf-8?B?"), ("=?utf-8?X?eA==?=", "=?utf-8?X?eA==?="),
        ("=?koi8-r?B?eA==?=", "=?koi8-r?B?eA==?="),
        ("=?utf-8?Q?=ZZ?=", "=?utf-8?Q?=ZZ?="), ("=?utf-8?Q?=FF?=", "=?utf-8?Q?=FF?="), ("=?=?=?", "=?=?=?"),
        ("=?", "=?"), ("", ""),
    ])
    func `encoded words are decoded`(text: String, decoded: String) {
        #expect(TextEncoding.decodingWords(text) == decoded)
    }

    @Test(arguments: [
        ("UTF-8''%e2%82%ac.png", "€.png"), ("utf-8'de'x", "x"), ("ISO-8859-1''%E9", "é"), ("UTF-8''it's", "it's"),
        ("UTF-8''%FF", nil), ("UTF-8''%2", nil), ("koi8-r''x", nil), ("UTF-8'x", nil), ("x", nil),
    ])
    func `extended values are decoded`(text: String, decoded: String?) {
        #expect(TextEncoding.extended(text) == decoded)
    }

    @Test func `text in an unknown character set is UTF-8 or Latin-1`() {
        #expect(TextEncoding.text(Array("é".utf8)) == "é")
        #expect(TextEncoding.text([0x63, 0xE9] as [UInt8]) == "cé")
    }
}
