import Testing

@testable import Inference

@Suite(.timeLimit(.minutes(2)))
struct SafetensorsReaderTests {
    /// One hostile file for each thing that can be wrong, and the error it must be refused with.
    static let refusals: [String: CheckpointError] = [
        "byte-count-overflow.safetensors": .byteCountMismatch(name: "w", found: 8, expected: .max),
        "byte-count.safetensors": .byteCountMismatch(name: "w", found: 8, expected: 12),
        "data-offset-huge.safetensors": .truncated(
            what: "the data of tensor w", offset: 80, needed: .max, available: 7),
        "data-outside.safetensors": .truncated(what: "the data of tensor w", offset: 62, needed: 8, available: 7),
        "duplicate-escaped-name.safetensors": .duplicateKey(key: "w", offset: 54),
        "duplicate-key.safetensors": .duplicateKey(key: "dtype", offset: 20),
        "duplicate-metadata.safetensors": .duplicateKey(key: "a", offset: 25),
        "duplicate-name.safetensors": .duplicateKey(key: "w", offset: 54),
        "duplicate-plain-name.safetensors": .duplicateTensor(name: "w"),
        "gap-at-start.safetensors": .misplacedData(name: "w", found: 4, expected: 0),
        "gap.safetensors": .misplacedData(name: "v", found: 12, expected: 8),
        "half-bytes.safetensors": .byteCountMismatch(name: "w", found: 1, expected: 2),
        "header-array-value.safetensors": .invalidHeader(offset: 5, found: "byte 0x5b", expected: "'{'"),
        "header-control-character.safetensors": .invalidHeader(
            offset: 3, found: "byte 0xa", expected: "no control character in a string"),
        "header-deep.safetensors": .invalidHeader(offset: 14, found: "byte 0x7b", expected: "'\"'"),
        "header-escape-short.safetensors": .invalidHeader(
            offset: 6, found: "byte 0x22", expected: "four hexadecimal digits"),
        "header-escape.safetensors": .invalidHeader(offset: 3, found: "byte 0x78", expected: "an escape"),
        "header-fraction.safetensors": .invalidHeader(offset: 30, found: "byte 0x2e", expected: "']'"),
        "header-half-surrogate.safetensors": .invalidHeader(offset: 8, found: "byte 0x78", expected: "a low surrogate"),
        "header-leading-zero.safetensors": .invalidHeader(
            offset: 29, found: "a number out of range or with a leading zero", expected: "0 to 2^63 - 1"),
        "header-length-huge.safetensors": .headerTooLong(found: .max, limit: 100000000),
        "header-lone-surrogate.safetensors": .invalidHeader(
            offset: 8, found: "byte 0x22", expected: "a high surrogate before here"),
        "header-missing-key.safetensors": .invalidHeader(
            offset: 5, found: "an incomplete description of a tensor", expected: "dtype, shape and two data_offsets"),
        "header-negative-number.safetensors": .invalidHeader(
            offset: 29, found: "byte 0x2d", expected: "a whole number"),
        "header-nested-metadata.safetensors": .invalidHeader(offset: 21, found: "byte 0x7b", expected: "'\"'"),
        "header-not-closed.safetensors": .invalidHeader(offset: 53, found: "the end", expected: "'}'"),
        "header-not-utf8.safetensors": .invalidHeader(offset: 0, found: "bytes that are not UTF-8", expected: "UTF-8"),
        "header-number-overflow.safetensors": .invalidHeader(
            offset: 29, found: "a number out of range or with a leading zero", expected: "0 to 2^63 - 1"),
        "header-one-offset.safetensors": .invalidHeader(
            offset: 5, found: "an incomplete description of a tensor", expected: "dtype, shape and two data_offsets"),
        "header-outside.safetensors": .truncated(what: "the safetensors file", offset: 8, needed: 1000, available: 62),
        "header-rank.safetensors": .invalidHeader(offset: 78, found: "more numbers", expected: "at most 16"),
        "header-three-offsets.safetensors": .invalidHeader(offset: 53, found: "more numbers", expected: "at most 2"),
        "header-too-long.safetensors": .headerTooLong(found: 100000001, limit: 100000000),
        "header-trailing-comma.safetensors": .invalidHeader(offset: 54, found: "byte 0x7d", expected: "'\"'"),
        "header-trailing-text.safetensors": .invalidHeader(
            offset: 55, found: "byte 0x78", expected: "the end of the header"),
        "header-unclosed-string.safetensors": .invalidHeader(
            offset: 3, found: "the end", expected: "the end of the string"),
        "header-unknown-key.safetensors": .invalidHeader(
            offset: 53, found: "key \"stride\"", expected: "dtype, shape or data_offsets"),
        "header-wrong-surrogate.safetensors": .invalidHeader(
            offset: 14, found: "byte 0x22", expected: "a low surrogate before here"),
        "offsets-reversed.safetensors": .invalidLayout(
            name: "v", found: "data_offsets [8, 4]", expected: "an end that is not before the start"),
        "overlap.safetensors": .misplacedData(name: "v", found: 4, expected: 8),
        "same-data.safetensors": .misplacedData(name: "v", found: 0, expected: 8),
        "shape-overflow.safetensors": .invalidLayout(
            name: "w", found: "sizes [0, 4611686018427387904, 4]", expected: "a product of at most 63 bits"),
        "trailing-bytes.safetensors": .trailingBytes(offset: 70, byteCount: 1),
        "unknown-type.safetensors": .unsupportedScalarType(name: "w", found: "F31"),
    ]

    @Test(arguments: refusals.keys.sorted())
    func `A file that the format forbids is refused`(_ name: String) throws {
        let bytes = try CheckpointFixtures.bytes(name, in: CheckpointFixtures.hostile)
        #expect(Checkpoint.error(of: bytes) == Self.refusals[name])
    }
}
