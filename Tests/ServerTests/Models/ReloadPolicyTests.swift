import Foundation
import Testing

@testable import Inference
@testable import Server

@Suite("When changed files are loaded")
struct ReloadDecisionTests {
    /// Fingerprints of a file with as many bytes as the number says.
    private func fingerprints(_ count: Int) throws -> [ModelFingerprint] {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("reload-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try (0..<count).map { size in
            try Data(count: size).write(to: URL(fileURLWithPath: path))
            return try ModelFingerprint(paths: [path])
        }
    }

    @Test("Files that do not change are left alone")
    func unchanged() throws {
        let files = try fingerprints(1)
        var decision = ReloadDecision(settled: files[0])
        #expect(decision.look(at: files[0]) == .rest)
        #expect(decision.look(at: files[0]) == .rest)
    }

    @Test("A change is loaded once two looks agree on it")
    func change() throws {
        let files = try fingerprints(3)
        var decision = ReloadDecision(settled: files[0])
        #expect(decision.look(at: files[1]) == .rest)
        #expect(decision.look(at: files[2]) == .rest)
        #expect(decision.look(at: files[2]) == .load)
    }

    @Test("What was loaded or refused is not tried again until it changes")
    func settled() throws {
        let files = try fingerprints(3)
        var decision = ReloadDecision(settled: files[0])
        _ = decision.look(at: files[1])
        #expect(decision.look(at: files[1]) == .load)
        decision.didLoad(before: files[1], after: files[1])
        #expect(decision.look(at: files[1]) == .rest)
        _ = decision.look(at: files[2])
        #expect(decision.look(at: files[2]) == .load)
    }

    @Test("Files that changed while they were read are looked at again")
    func changedMeanwhile() throws {
        let files = try fingerprints(3)
        var decision = ReloadDecision(settled: files[0])
        decision.didLoad(before: files[1], after: files[2])
        #expect(decision.look(at: files[2]) == .load)
    }

    @Test("What could not be read is tried again after 1, 2, 4 … looks, 64 at most, and is told once when it lasts")
    func postponed() throws {
        let files = try fingerprints(2)
        var decision = ReloadDecision(settled: files[0])
        _ = decision.look(at: files[1])
        #expect(decision.look(at: files[1]) == .load)
        for (number, expected) in [1, 2, 4, 8, 16, 32, 64, 64, 64].enumerated() {
            let isLasting = decision.didPostpone(files[1])
            #expect(isLasting == (number + 1 == ReloadDecision.mostTries))
            for _ in 1..<expected { #expect(decision.look(at: files[1]) == .rest) }
            #expect(decision.look(at: files[1]) == .load)
        }
        // Another file begins anew, and one that was read is settled.
        _ = decision.look(at: files[0])
        let isLasting = decision.didPostpone(files[0])
        #expect(!isLasting)
        #expect(decision.look(at: files[0]) == .load)
        decision.didLoad(before: files[0], after: files[0])
        #expect(decision.look(at: files[0]) == .rest)
    }

    @Test("A load that was asked for when nothing could be seen follows, though nothing has changed")
    func due() throws {
        let files = try fingerprints(1)
        var decision = ReloadDecision(settled: files[0])
        decision.didNotLook()
        #expect(decision.look(at: files[0]) == .load)
        decision.didLoad(before: files[0], after: files[0])
        #expect(decision.look(at: files[0]) == .rest)
    }

    @Test("A change that is taken back needs no load")
    func takenBack() throws {
        let files = try fingerprints(2)
        var decision = ReloadDecision(settled: files[0])
        #expect(decision.look(at: files[1]) == .rest)
        #expect(decision.look(at: files[0]) == .rest)
        #expect(decision.look(at: files[0]) == .rest)
    }
}
