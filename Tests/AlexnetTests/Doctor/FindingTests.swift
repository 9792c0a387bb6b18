import ArgumentParser
import Testing

@testable import alexnet

@Suite("Findings")
struct FindingTests {
    @Test("A line holds status, check, what was found and what to do")
    func line() {
        #expect(Finding.ok("port", "free").line == "ok       port              free")
        #expect(
            Finding.failed("open files", "64", advice: "Raise it.").line == "failed   open files        64. Raise it.")
    }

    @Test("A file's name cannot begin a line of its own")
    func controlCharacters() {
        #expect(Finding.ok("models", "a\nfailed\u{1B}[1m").line.hasSuffix("a?failed?[1m"))
    }

    @Test("As JSON it is one object in one line")
    func json() {
        #expect(Finding.ok("port", "a/b \"c\"\n").json == #"{"check":"port","found":"a/b \"c\"\n","status":"ok"}"#)
        #expect(
            Finding.warning("clock", "1970", advice: "Set it.").json
                == #"{"advice":"Set it.","check":"clock","found":"1970","status":"warning"}"#)
    }

    @Test("Only a failure ends the command with 1")
    func exitCode() {
        let (ok, warning) = (Finding.ok("a", "b"), Finding.warning("a", "b", advice: "c"))
        #expect(Doctor.exitCode(for: []) == nil)
        #expect(Doctor.exitCode(for: [ok, warning]) == nil)
        #expect(Doctor.exitCode(for: [ok, .failed("a", "b", advice: "c"), warning]) == ExitCode(1))
    }
}
