import Foundation
import Testing

/// How the program was linked, read from its own file.
@Suite(.timeLimit(.minutes(2))) struct HardeningTests {
    /// What an ELF file of 64 bits says about how it is to be loaded.
    ///
    /// - Source: System V ABI, "Program header" and "Dynamic section"
    private struct ELF {
        struct Segment {
            let type: UInt32
            let flags: UInt32
            let offset: Int
            let byteCount: Int
        }

        let bytes: Data
        let type: UInt16
        let segments: [Segment]

        init(_ path: String) throws {
            let file = try Data(contentsOf: URL(fileURLWithPath: path), options: .alwaysMapped)
            try #require(file.prefix(5) == Data([0x7F, 0x45, 0x4C, 0x46, 2]), "\(path) is no ELF file of 64 bits")
            bytes = file
            func number<T: FixedWidthInteger>(_: T.Type, _ offset: Int) -> T {
                file[offset..<offset + MemoryLayout<T>.size].reversed().reduce(0) { $0 << 8 | T($1) }
            }
            type = number(UInt16.self, 16)
            let (start, size, count) = (
                Int(number(UInt64.self, 32)), Int(number(UInt16.self, 54)), Int(number(UInt16.self, 56))
            )
            segments = (0..<count).map { index in
                let offset = start + index * size
                return Segment(
                    type: number(UInt32.self, offset), flags: number(UInt32.self, offset + 4),
                    offset: Int(number(UInt64.self, offset + 8)), byteCount: Int(number(UInt64.self, offset + 32)))
            }
        }

        /// The dynamic section's values by tag.
        var dynamic: [UInt64: UInt64] {
            guard let segment = segments.first(where: { $0.type == 2 }) else { return [:] }
            var values: [UInt64: UInt64] = [:]
            for offset in stride(from: segment.offset, to: segment.offset + segment.byteCount, by: 16) {
                func number(_ offset: Int) -> UInt64 {
                    bytes[offset..<offset + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
                }
                values[number(offset)] = number(offset + 8)
            }
            return values
        }
    }

    @Test func `it can be put at any address, its tables are read-only once it runs, and no stack is code`() throws {
        let elf = try ELF(try #require(BuiltProgram.path, "the program lies beside the tests"))
        // ET_DYN and DF_1_PIE.
        #expect(elf.type == 3)
        let flags = elf.dynamic[0x6FFF_FFFB] ?? 0
        #expect(flags & 0x0800_0000 != 0)
        // PT_GNU_RELRO, and DF_1_NOW or DF_BIND_NOW or DT_BIND_NOW: without them half of it stays writable.
        #expect(elf.segments.contains { $0.type == 0x6474_E552 })
        #expect(flags & 1 != 0 || (elf.dynamic[30] ?? 0) & 8 != 0 || elf.dynamic[24] != nil)
        // PT_GNU_STACK, readable and writable, not executable.
        let stack = try #require(elf.segments.first { $0.type == 0x6474_E551 })
        #expect(stack.flags & 1 == 0)
        // No segment is writable and code at once.
        #expect(!elf.segments.contains { $0.type == 1 && $0.flags & 3 == 3 })
    }

    @Test(arguments: ["__stack_chk_fail", "__longjmp_chk"])
    func `the C in it checks its stack and the buffers whose size it knows`(_ symbol: String) throws {
        let elf = try ELF(try #require(BuiltProgram.path, "the program lies beside the tests"))
        #expect(elf.bytes.range(of: Data([0] + symbol.utf8 + [0])) != nil, "\(symbol) is not called")
    }
}
