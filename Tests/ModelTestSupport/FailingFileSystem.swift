import Files
import Glibc
import Inference
import Synchronization

/// The file system of this machine, whose answers fail on demand.
public final class FailingFileSystem: FileSystem {
    /// What can be asked of a file system.
    public enum Question: Sendable, CaseIterable { case names, status, resolve }

    private struct State {
        var questions: Set<Question> = []
        var pathSuffix = ""
        var reason = ""
        /// Called before a path is resolved: between the two looks at a model's files of a load.
        var onResolve: (@Sendable () -> Void)?
    }

    private let local = LocalFileSystem()
    private let state = Mutex(State())

    public init() {}

    /// Fails from now on.
    ///
    /// - Parameters:
    ///   - code: an errno, such as EIO.
    ///   - pathSuffix: of the paths that fail.
    public func fail(_ questions: Set<Question> = Set(Question.allCases), code: Int32, pathSuffix: String = "") {
        state.withLock {
            ($0.questions, $0.pathSuffix, $0.reason) = (questions, pathSuffix, String(cString: strerror(code)))
        }
    }

    /// Answers again.
    public func recover() { state.withLock { $0.questions = [] } }

    /// Does something, once, while a load is looking for its files.
    public func onNextResolve(_ action: @escaping @Sendable () -> Void) { state.withLock { $0.onResolve = action } }

    private func check(_ question: Question, _ path: String) throws(FileSystemError) {
        let reason = state.withLock { state in
            state.questions.contains(question) && path.hasSuffix(state.pathSuffix) ? state.reason : nil
        }
        if let reason { throw FileSystemError(path: path, reason: reason) }
    }

    public func names(in folder: String) throws(FileSystemError) -> [String]? {
        try check(.names, folder)
        return try local.names(in: folder)
    }

    public func status(of path: String) throws(FileSystemError) -> FileStatus? {
        try check(.status, path)
        return try local.status(of: path)
    }

    public func resolve(_ path: String) throws(FileSystemError) -> String? {
        let action = state.withLock { state in
            defer { state.onResolve = nil }
            return state.onResolve
        }
        action?()
        try check(.resolve, path)
        return try local.resolve(path)
    }
}
