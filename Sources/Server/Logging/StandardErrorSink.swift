import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Writes each line to standard error in one call, so that lines of several threads never mix.
///
/// The lock matters only where the system takes a line in pieces, as it does on a full pipe.
final class StandardErrorSink: LogSink {
    private let descriptor: Mutex<Int32>

    /// - Parameter descriptor: what to write to; 2 is standard error.
    init(descriptor: Int32 = STDERR_FILENO) { self.descriptor = Mutex(descriptor) }

    func append(line: String) {
        var line = line
        line.withUTF8 { bytes in
            descriptor.withLock { descriptor in
                var rest = UnsafeRawBufferPointer(bytes)[...]
                while !rest.isEmpty {
                    let pointer = UnsafeRawBufferPointer(rebasing: rest)
                    let count = write(descriptor, pointer.baseAddress, pointer.count)
                    if count >= 0 {
                        rest = rest.dropFirst(count)
                    } else if errno == EAGAIN {
                        // Somebody made the descriptor non-blocking: wait until it takes more.
                        var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                        guard poll(&waiting, 1, -1) > 0 || errno == EINTR else { return }
                    } else if errno != EINTR {
                        // There is nowhere to report that the log cannot be written.
                        return
                    }
                }
            }
        }
    }
}
