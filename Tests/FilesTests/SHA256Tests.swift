import Files
import Testing

/// Digests of FIPS 180-4's own examples.
struct SHA256Tests {
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func `Known digests`(text: String, digest: String) {
        #expect(SHA256.hash(Array(text.utf8)).hexadecimal() == digest)
        #expect(SHA256.hash(Array(text.utf8)).hexadecimal(byteCount: 6) == String(digest.prefix(12)))
    }

    @Test func `Pieces of any size add up to the whole`() {
        let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        for size in [1, 63, 64, 65, 999] {
            var hash = SHA256()
            for start in stride(from: 0, to: bytes.count, by: size) {
                hash.update(Array(bytes[start..<min(start + size, bytes.count)]))
            }
            #expect(hash.finalize() == SHA256.hash(bytes))
        }
    }

    @Test func `Digests that differ in one byte are not equal`() {
        #expect(SHA256.hash([1]) != SHA256.hash([2]))
        #expect(Set([SHA256.hash([1]), SHA256.hash([1]), SHA256.hash([2])]).count == 2)
    }
}
