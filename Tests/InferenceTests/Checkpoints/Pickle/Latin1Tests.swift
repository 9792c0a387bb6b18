import Testing

@testable import Inference

@Suite("Bytes written as text")
struct Latin1Tests {
    private func bytes(_ text: [UInt8]) -> [UInt8]? {
        text.withUnsafeBytes(Latin1.bytes).map { buffer in withExtendedLifetime(buffer) { Array(buffer.bytes) } }
    }

    @Test("Every byte comes back from the character of its number")
    func decodesAll() {
        let all = Array(UInt8.min...UInt8.max)
        let text = String(String.UnicodeScalarView(all.map { Unicode.Scalar($0) }))
        #expect(bytes(Array(text.utf8)) == all)
        #expect(bytes([]) == [])
    }

    @Test(
        "Characters beyond 255 and malformed text are none",
        arguments: [[0xC4, 0x80], [0xC3], [0xC3, 0x41], [0x80], [0xE2, 0x82, 0xAC], [0xFF], [0xC1, 0x80]] as [[UInt8]])
    func refuses(_ text: [UInt8]) { #expect(bytes(text) == nil) }
}
