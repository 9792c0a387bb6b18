import Files
import Foundation
import Inference
import Testing

@testable import Server

@Suite(.timeLimit(.minutes(2)))
struct DescriptorReserveTests {
    @Test func `They are free while something is done, and held again behind the last who does it`() {
        let reserve = DescriptorReserve(count: 3)
        #expect(reserve.heldCount == 3)
        let result = reserve.lend {
            #expect(reserve.heldCount == 0)
            reserve.lend { #expect(reserve.heldCount == 0) }
            #expect(reserve.heldCount == 0, "somebody still uses them")
            return 5
        }
        #expect(result == 5)
        #expect(reserve.heldCount == 3)
    }

    @Test func `They are lent to a look that finds no other, and to no other failure`() throws {
        let reserve = DescriptorReserve(count: 2)
        for (code, tries) in [(EMFILE, 2), (ENFILE, 2), (EIO, 1)] {
            var count = 0
            let error = FileSystemError(path: "/x", reason: String(cString: strerror(code)))
            #expect(throws: error) {
                try reserve.look { () throws(FileSystemError) in
                    count += 1
                    #expect(reserve.heldCount == (count == 1 ? 2 : 0))
                    throw error
                }
            }
            #expect(count == tries)
            #expect(reserve.heldCount == 2)
        }
        var isFirst = true
        let found = try reserve.look { () throws(FileSystemError) -> Int in
            defer { isFirst = false }
            if isFirst { throw FileSystemError(path: "/x", reason: String(cString: strerror(EMFILE))) }
            return 7
        }
        #expect(found == 7)
    }
}
