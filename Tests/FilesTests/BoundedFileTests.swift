import TestSupport
import Testing

@testable import Files

@Suite("BoundedFile")
struct BoundedFileTests {
    @Test("A file is read whole up to its limit and refused beyond")
    func limits() throws {
        let folder = try TemporaryFolder()
        try folder.write(Array(repeating: 0x61, count: 10_000), to: "a")
        #expect(try BoundedFile.contents(of: folder.path("a"), limit: 10_000).count == 10_000)
        #expect(throws: BoundedFile.Failure.tooLarge(limit: 9_999)) {
            try BoundedFile.contents(of: folder.path("a"), limit: 9_999)
        }
    }

    @Test("A device that never ends is not read to its end")
    func endless() {
        #expect(throws: BoundedFile.Failure.tooLarge(limit: 100)) {
            try BoundedFile.contents(of: "/dev/zero", limit: 100)
        }
    }

    @Test("A missing file is told from one that cannot be read")
    func failures() throws {
        let folder = try TemporaryFolder()
        try folder.write([], to: "a")
        #expect(throws: BoundedFile.Failure.missing) { try BoundedFile.contents(of: "no/such/file", limit: 1) }
        #expect(throws: BoundedFile.Failure.missing) {
            try BoundedFile.contents(of: folder.path("a") + "/below", limit: 1)
        }
        #expect(throws: BoundedFile.Failure.system(reason: "Is a directory")) {
            try BoundedFile.contents(of: "/", limit: 1)
        }
    }
}
