import Files
import Foundation
import TestSupport
import Testing

@testable import Inference

@Suite(.timeLimit(.minutes(2)))
struct NumPyReaderTests {
    private struct Expectation: Decodable {
        struct Tensor: Decodable {
            let name: String
            let type: String
            let shape: [Int]
            let bits: [Int32]
        }

        let tensors: [Tensor]
        let skipped: [[String]]
    }

    private static let sound = FixtureFile.url("Arrays")
    private static let hostile = FixtureFile.url("Hostile/Arrays")

    static func names(in folder: URL) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).filter { $0.hasSuffix(".npz") }
            .sorted()
    }

    @Test(arguments: names(in: sound))
    func `A valid file gives the arrays that NumPy saved`(_ name: String) throws {
        let all = try FixtureFile.decode([String: Expectation].self, from: "Arrays/expected.json")
        let expected = try #require(all[name])
        let checkpoint = try Checkpoint(contentsOf: Self.sound.appending(path: name).path)
        #expect(checkpoint.format == .npz)
        #expect(checkpoint.tensors.names == expected.tensors.map(\.name))
        #expect(checkpoint.skipped.map { [$0.name, $0.scalarName] } == expected.skipped)
        for tensor in expected.tensors {
            let stored = try checkpoint.tensor(tensor.name, shape: Shape(tensor.shape))
            #expect(stored.scalarType.rawValue == tensor.type)
            #expect(stored.tensor().scalars.map { Int32(bitPattern: $0.bitPattern) } == tensor.bits, "\(tensor.name)")
        }
    }

    @Test func `There are valid and hostile files to test with`() {
        #expect(Self.names(in: Self.sound).count == 5)
        #expect(Set(Self.names(in: Self.hostile)) == Set(Self.refusals.keys))
    }

    /// One hostile file for each thing that can be wrong, and the sentence it must be refused with.
    static let refusals: [String: String] = [
        "bomb.npz":
            "reading the checkpoint would take 100000469 bytes of memory beside the file, with inflated record w.npy, and at "
            + "most 67887984 are allowed for a file of its size",
        "cut-in-length.npz": "the array w.npy is cut short at offset 8: 3 of the 4 bytes needed are there",
        "cut-in-version.npz": "the array w.npy is cut short at offset 7: 0 of the 1 bytes needed are there",
        "data-long.npz": "tensor \"w\" has 8 bytes where its shape and type need 4",
        "data-of-empty.npz": "tensor \"w\" has 8 bytes where its shape and type need 0",
        "data-short.npz": "tensor \"w\" has 8 bytes where its shape and type need 12",
        "duplicate-name.npz": "two tensors are named \"w\" once module. and _orig_mod. are removed",
        "empty.npz": "the array w.npy is cut short at offset 0: 0 of the 6 bytes needed are there",
        "header-length-huge.npz":
            "the checkpoint has 4294967295 bytes in a .npy header, and at most 10000 are allowed",
        "header-outside.npz":
            "the array w.npy is cut short at offset 10: 66 of the 1000 bytes needed are there",
        "header-too-long.npz":
            "the checkpoint has 10001 bytes in a .npy header, and at most 10000 are allowed",
        "key-unquoted.npz":
            "the array \"w.npy\" has the byte 0x64 at offset 11 where a quoted string is expected",
        "magic.npz":
            "the array \"w.npy\" has the bytes [147, 78, 85, 77, 80, 88] at offset 0"
            + " where the magic of a .npy file is expected",
        "missing-key.npz":
            "the array \"w.npy\" has an incomplete header"
            + " at offset 10 where descr, fortran_order and shape is expected",
        "no-colon.npz": "the array \"w.npy\" has the byte 0x27 at offset 19 where ':' is expected",
        "no-comma.npz": "the array \"w.npy\" has the byte 0x27 at offset 26 where '}' is expected",
        "no-dictionary.npz": "the array \"w.npy\" has the byte 0x5b at offset 10 where '{' is expected",
        "no-header.npz": "the array \"w.npy\" has the header's end at offset 10 where '{' is expected",
        "not-closed.npz":
            "the array \"w.npy\" has the header's end at offset 65 where a quoted string is expected",
        "order-name.npz":
            "the array \"w.npy\" has the byte 0x4e at offset 44 where True or False is expected",
        "order-number.npz":
            "the array \"w.npy\" has the byte 0x30 at offset 44 where True or False is expected",
        "repeated-key.npz":
            "the array \"w.npy\" has the key descr again at offset 66 where each key once is expected",
        "shape-63-bits.npz":
            "the array \"w.npy\" has 9223372036854775808 at offset 61 where a number of at most 63 bits is expected",
        "shape-bytes-overflow.npz":
            "tensor \"w\" has 8 bytes where its shape and type need 9223372036854775807",
        "shape-comma-alone.npz":
            "the array \"w.npy\" has the byte 0x2c at offset 61 where a whole number is expected",
        "shape-empty-overflow.npz":
            "tensor \"w\" has sizes [0, 4294967296, 4294967296] where a product of at most 63 bits is expected",
        "shape-expression.npz":
            "the array \"w.npy\" has the byte 0x2b at offset 62 where a comma or a closing parenthesis is expected",
        "shape-fraction.npz":
            "the array \"w.npy\" has the byte 0x2e at offset 62 where a comma or a closing parenthesis is expected",
        "shape-leading-zero.npz": "the array \"w.npy\" has 02 at offset 61 where a whole number is expected",
        "shape-list.npz": "the array \"w.npy\" has the byte 0x5b at offset 60 where '(' is expected",
        "shape-negative.npz":
            "the array \"w.npy\" has the byte 0x2d at offset 61 where a whole number is expected",
        "shape-no-comma.npz":
            "the array \"w.npy\" has the byte 0x32 at offset 63 where a comma or a closing parenthesis is expected",
        "shape-number.npz": "the array \"w.npy\" has the byte 0x32 at offset 60 where '(' is expected",
        "shape-open.npz":
            "the array \"w.npy\" has the header's end at offset 63 where a whole number is expected",
        "shape-overflow.npz":
            "tensor \"w\" has sizes [4294967296, 4294967296] where a product of at most 63 bits is expected",
        "shape-parentheses.npz":
            "the array \"w.npy\" has a number in parentheses at offset 62 where a tuple, as (3,) is expected",
        "shape-rank.npz": "the checkpoint has 17 axes in one tensor, and at most 16 are allowed",
        "shape-suffix.npz":
            "the array \"w.npy\" has the byte 0x4c at offset 62 where a comma or a closing parenthesis is expected",
        "shape-two-commas.npz":
            "the array \"w.npy\" has the byte 0x2c at offset 63 where a whole number is expected",
        "skipped-short.npz": "tensor \"w\" has 8 bytes where its shape and type need 16",
        "string-control.npz":
            "the array \"w.npy\" has the byte 0x9 at offset 23 where a printable character is expected",
        "string-escape.npz":
            "the array \"w.npy\" has the byte 0x5c at offset 21 where a printable character is expected",
        "string-not-ascii.npz":
            "the array \"w.npy\" has the byte 0xc6 at offset 22 where a printable character is expected",
        "string-open.npz":
            "the array \"w.npy\" has an unterminated string at offset 20 where a quoted string is expected",
        "trailing-code.npz":
            "the array \"w.npy\" has more text at offset 67 where the header's end is expected",
        "trailing-text.npz":
            "the array \"w.npy\" has more text at offset 67 where the header's end is expected",
        "type-big-endian.npz":
            "tensor \"w\" is \">f4\" where float32, float16, bfloat16 or float64 is expected",
        "type-native.npz": "tensor \"w\" is \"f4\" where float32, float16, bfloat16 or float64 is expected",
        "type-object.npz": "tensor \"w\" is \"|O\" where float32, float16, bfloat16 or float64 is expected",
        "type-quad.npz": "tensor \"w\" is \"<f16\" where float32, float16, bfloat16 or float64 is expected",
        "type-structured.npz":
            "the array \"w.npy\" has a structured type at offset 20 where the type of one number is expected",
        "type-text.npz": "tensor \"w\" is \"<U1\" where float32, float16, bfloat16 or float64 is expected",
        "type-void.npz": "tensor \"w\" is \"|V2\" where float32, float16, bfloat16 or float64 is expected",
        "unknown-key.npz":
            "the array \"w.npy\" has the key strides at offset 66 where descr, fortran_order or shape is expected",
        "version-0.npz": "the array \"w.npy\" has version 0.0 at offset 6 where 1.0, 2.0 or 3.0 is expected",
        "version-4.npz": "the array \"w.npy\" has version 4.0 at offset 6 where 1.0, 2.0 or 3.0 is expected",
        "version-minor.npz":
            "the array \"w.npy\" has version 1.1 at offset 6 where 1.0, 2.0 or 3.0 is expected",
    ]

    @Test(arguments: names(in: hostile))
    func `A file that is not an array of numbers is refused`(_ name: String) throws {
        let bytes = [UInt8](try Data(contentsOf: Self.hostile.appending(path: name)))
        #expect(Checkpoint.error(of: bytes)?.description == Self.refusals[name])
    }

    private static let damaged = ["saved.npz", "compressed.npz", "versions.npz"]

    @Test(arguments: damaged)
    func `A truncated file is refused`(_ name: String) throws {
        let bytes = [UInt8](try Data(contentsOf: Self.sound.appending(path: name)))
        for count in 0..<bytes.count {
            #expect(Checkpoint.error(of: bytes[..<count]) != nil, "cut to \(count) of \(bytes.count) bytes")
        }
    }

    @Test func `A changed byte of a header is refused or leaves valid arrays, even with a correct checksum`() throws {
        let header = Array("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }   \n".utf8)
        let start: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.count), 0]
        var generator = SeededGenerator(seed: 3)
        var soundCount = 0
        for _ in 0..<20_000 {
            var array = start + header + [UInt8](repeating: 0, count: 24)
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                array[Int.random(in: 0..<start.count + header.count, using: &generator)] =
                    Bool.random(using: &generator)
                    ? header.randomElement(using: &generator) ?? 0 : UInt8.random(in: 0...255, using: &generator)
            }
            guard let checkpoint = try? Checkpoint(bytes: try archive(array)) else { continue }
            soundCount += 1
            for (_, stored) in checkpoint.tensors {
                #expect(stored.tensor().scalars.count == stored.shape.elementCount)
            }
        }
        #expect(1..<20_000 ~= soundCount)
    }

    /// A zip archive of one stored record.
    private func archive(_ record: [UInt8]) throws -> [UInt8] {
        var local = LittleEndianBytes()
        local.append(UInt32(0x0403_4B50), UInt16(20), UInt16(0), UInt16(0), UInt32(0), UInt32(0))
        local.append(UInt32(record.count), UInt32(record.count), UInt16(5), UInt16(0))
        let body = local.bytes + Array("w.npy".utf8) + record
        var central = LittleEndianBytes()
        central.append(UInt32(0x0201_4B50), UInt16(20), UInt16(20), UInt16(0), UInt16(0), UInt32(0), UInt32(0))
        central.append(UInt32(record.count), UInt32(record.count), UInt16(5), UInt16(0), UInt16(0), UInt16(0))
        central.append(UInt16(0), UInt32(0), UInt32(0))
        var end = LittleEndianBytes()
        end.append(UInt32(0x0605_4B50), UInt16(0), UInt16(0), UInt16(1), UInt16(1))
        end.append(UInt32(central.bytes.count + 5), UInt32(body.count), UInt16(0))
        return body + central.bytes + Array("w.npy".utf8) + end.bytes
    }

    @Test func `Contiguous float32 is viewed in place`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path("a.npz")
        try CheckpointWriter.write([("w", Tensor([2, 2], scalars: [1, 2, 3, 4]))], to: path, format: .npz)
        let checkpoint = try Checkpoint(contentsOf: path)
        let tensor = try checkpoint.tensor("w", shape: [2, 2]).tensor()
        let file = UnsafeRawBufferPointer(checkpoint.file.bytes)
        let isView = tensor.withUnsafeScalars { scalars in
            guard let start = scalars.baseAddress, let fileStart = file.baseAddress else { return false }
            return UnsafeRawPointer(start) >= fileStart && UnsafeRawPointer(start) < fileStart + file.count
        }
        #expect(isView)
    }
}
