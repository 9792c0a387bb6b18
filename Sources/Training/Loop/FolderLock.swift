#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Keeps other trainings from a folder until it is released, or the process ends in whatever way.
final class FolderLock: Sendable {
    private let descriptor: Int32

    /// Where a file system has no locks, nothing is kept from anything.
    ///
    /// - Throws: ``TrainingError/notWritten(_:)`` where another training has it, or the folder cannot be written.
    init(folder: String) throws(TrainingError) {
        descriptor = open(folder + "/.training.lock", O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o666)
        guard descriptor >= 0 else {
            throw .notWritten("the folder \(folder) cannot be written: \(String(cString: strerror(errno)))")
        }
        if flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK {
            close(descriptor)
            throw .notWritten(
                "another training is filling \(folder); wait until it is done, or name another --output")
        }
    }

    deinit { close(descriptor) }
}
