import Foundation
import Testing

@testable import alexnet

@Suite(.timeLimit(.minutes(2))) struct ThreadSupplyTests {
    @Test func `some threads can be had here, and all are gone again`() throws {
        try ThreadSupply.check(ThreadSupply.least)
        #expect(ThreadSupplyCheck.here(forPoolOf: 2).finding == .ok("new threads", "7 can be started"))
    }

    @Test func `a pool has its own threads, event loops, and those of the language`() {
        #expect(ThreadSupply.needed(forPoolOf: 1) == 6)
        #expect(ThreadSupply.needed(forPoolOf: 4) == 9)
        #expect(ThreadSupply.needed(forPoolOf: 8) == 14)
    }

    @Test func `too few are told in one sentence with what to do: about a limit, or about a sandbox`() {
        let limit = ThreadSupply.Shortage(found: 2, wanted: 7, code: EAGAIN)
        #expect(
            limit.description
                == "this process can start only 2 threads, but it needs 7 (Resource temporarily unavailable); raise the limit of "
                + "processes (ulimit -u, TasksMax= of systemd, --pids-limit of a container), or lower threads.total")
        let sandbox = ThreadSupply.Shortage(found: 0, wanted: 4, code: EPERM)
        #expect(
            sandbox.description
                == "this process can start no threads, but it needs 4 (Operation not permitted); let the sandbox permit clone3 "
                + "and clone, with a newer container runtime or another seccomp profile")
        #expect(
            ThreadSupplyCheck(shortage: limit, wanted: 7).finding
                == .failed(
                    "new threads", "only 2 of the 7 that are needed can be started",
                    advice:
                        "Raise the limit of processes (ulimit -u, TasksMax= of systemd, --pids-limit of a container), or "
                        + "lower threads.total."))
    }
}
