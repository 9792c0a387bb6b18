import Testing

@testable import Files

@Suite("BoundedFile")
struct BoundedFileTests {
    @Test("A file is read whole up to its limit and refused beyond")
    func limits() throws {
        let file = try TemporaryFile(String(repeating: "a", count: 10_000))
        #expect(try BoundedFile.contents(of: file.path, limit: 10_000).count == 10_000)
        #expect(throws: BoundedFile.Failure.tooLarge(limit: 9_999)) {
            try BoundedFile.contents(of: file.path, limit: 9_999)
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
        let file = try TemporaryFile("")
        #expect(throws: BoundedFile.Failure.missing) { try BoundedFile.contents(of: "no/such/file", limit: 1) }
        #expect(throws: BoundedFile.Failure.missing) { try BoundedFile.contents(of: file.path + "/below", limit: 1) }
        #expect(throws: BoundedFile.Failure.system(reason: "Is a directory")) {
            try BoundedFile.contents(of: "/", limit: 1)
        }
    }
}
