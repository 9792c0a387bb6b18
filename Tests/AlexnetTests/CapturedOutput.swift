import ArgumentParser
import Foundation
import TestSupport

@testable import alexnet

/// What a command writes to its two streams, and how it ends.
struct CapturedOutput {
    let output: String
    let error: String
    /// 0 where nothing was thrown.
    let code: Int32

    /// Parses and runs a command in this process, whose streams lead to files meanwhile.
    init(_ arguments: [String]) throws {
        let folder = try TemporaryFolder()
        var command = try Alexnet.parseAsRoot(arguments)
        let saved = (dup(STDOUT_FILENO), dup(STDERR_FILENO))
        let paths = [folder.path("output"), folder.path("error")]
        let files = paths.map { path in open(path, O_WRONLY | O_CREAT, 0o600) }
        fflush(nil)
        dup2(files[0], STDOUT_FILENO)
        dup2(files[1], STDERR_FILENO)
        var code: Int32 = 0
        do {
            try command.run()
        } catch {
            code = Alexnet.exitCode(for: error).rawValue
        }
        fflush(nil)
        dup2(saved.0, STDOUT_FILENO)
        dup2(saved.1, STDERR_FILENO)
        for descriptor in files + [saved.0, saved.1] { close(descriptor) }
        output = try String(contentsOfFile: folder.path("output"), encoding: .utf8)
        error = try String(contentsOfFile: folder.path("error"), encoding: .utf8)
        self.code = code
    }
}
