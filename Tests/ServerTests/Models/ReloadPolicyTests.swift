import Foundation
import Testing

@testable import Inference
@testable import Server

@Suite(.timeLimit(.minutes(2)))
struct ReloadPolicyTests {
    /// Fingerprints of a file with as many bytes as the number says.
    private func fingerprints(_ count: Int) throws -> [ModelFingerprint] {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("reload-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try (0..<count).map { size in
            try Data(count: size).write(to: URL(fileURLWithPath: path))
            return try ModelFingerprint(paths: [path])
        }
    }

    @Test func `Files that do not change are left alone`() throws {
        let files = try fingerprints(1)
        var policy = ReloadPolicy(settled: files[0])
        #expect(policy.look(at: files[0]) == .wait)
        #expect(policy.look(at: files[0]) == .wait)
    }

    @Test func `A change is loaded once two looks agree on it`() throws {
        let files = try fingerprints(3)
        var policy = ReloadPolicy(settled: files[0])
        #expect(policy.look(at: files[1]) == .wait)
        #expect(policy.look(at: files[2]) == .wait)
        #expect(policy.look(at: files[2]) == .load)
    }

    @Test func `What was loaded or refused is not tried again until it changes`() throws {
        let files = try fingerprints(3)
        var policy = ReloadPolicy(settled: files[0])
        _ = policy.look(at: files[1])
        #expect(policy.look(at: files[1]) == .load)
        policy.didLoad(before: files[1], after: files[1])
        #expect(policy.look(at: files[1]) == .wait)
        _ = policy.look(at: files[2])
        #expect(policy.look(at: files[2]) == .load)
    }

    @Test func `Files that changed while they were read are looked at again`() throws {
        let files = try fingerprints(3)
        var policy = ReloadPolicy(settled: files[0])
        policy.didLoad(before: files[1], after: files[2])
        #expect(policy.look(at: files[2]) == .load)
    }

    @Test
    func `What could not be read is tried again after 1, 2, 4 … looks, 64 at most, and is told once when it lasts`()
        throws
    {
        let files = try fingerprints(2)
        var policy = ReloadPolicy(settled: files[0])
        _ = policy.look(at: files[1])
        #expect(policy.look(at: files[1]) == .load)
        for (number, expected) in [1, 2, 4, 8, 16, 32, 64, 64, 64].enumerated() {
            let isLasting = policy.didPostpone(files[1])
            #expect(isLasting == (number + 1 == ReloadPolicy.maxTransientTries))
            for _ in 1..<expected { #expect(policy.look(at: files[1]) == .wait) }
            #expect(policy.look(at: files[1]) == .load)
        }
        // Another file begins anew, and one that was read is settled.
        _ = policy.look(at: files[0])
        let isLasting = policy.didPostpone(files[0])
        #expect(!isLasting)
        #expect(policy.look(at: files[0]) == .load)
        policy.didLoad(before: files[0], after: files[0])
        #expect(policy.look(at: files[0]) == .wait)
    }

    @Test func `A load that was asked for when nothing could be seen follows, though nothing has changed`() throws {
        let files = try fingerprints(1)
        var policy = ReloadPolicy(settled: files[0])
        policy.didNotLook()
        #expect(policy.look(at: files[0]) == .load)
        policy.didLoad(before: files[0], after: files[0])
        #expect(policy.look(at: files[0]) == .wait)
    }

    @Test func `A change that is taken back needs no load`() throws {
        let files = try fingerprints(2)
        var policy = ReloadPolicy(settled: files[0])
        #expect(policy.look(at: files[1]) == .wait)
        #expect(policy.look(at: files[0]) == .wait)
        #expect(policy.look(at: files[0]) == .wait)
    }
}
