import Training

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Standard output or standard error, written whole or not at all: a reader that has gone is an error, never a crash.
enum OutputStream: Int32 {
    case output = 1
    case error = 2

    /// What the system says when nothing more can be written.
    struct Failure: Error, CustomStringConvertible {
        let reason: String

        var description: String { "The output cannot be written: \(reason)." }
    }

    /// Opens what stands in for a standard stream that the program was started without: otherwise the first file or socket
    /// would take its number, and its output.
    static func openMissingStreams() {
        for descriptor: Int32 in 0...2 where fcntl(descriptor, F_GETFD) == -1 {
            // The lowest free number is taken: this one.
            _ = open("/dev/null", O_RDWR)
        }
    }

    /// Writes text as it is.
    ///
    /// - Throws: ``Failure``
    func write(_ text: String) throws(Failure) {
        let bytes = Array(text.utf8)
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Glibc.write(rawValue, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Failure(reason: String(cString: strerror(errno))) }
            written += count
        }
    }

    /// Writes text that nobody will miss.
    func writeIfPossible(_ text: String) { try? write(text) }

    /// Writes text that nobody will miss, and gives up where nobody reads for so long.
    func writeIfPossible(_ text: String, within limit: Duration) {
        let end = ContinuousClock.now + limit
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let left = max(.zero, ContinuousClock.now.duration(to: end))
            var waiting = pollfd(fd: rawValue, events: Int16(POLLOUT), revents: 0)
            let count = poll(&waiting, 1, Int32(min(left / .milliseconds(1), 1e6).rounded(.up)))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            // So much a pipe takes at once when it takes anything (pipe(7)).
            let written = rest.prefix(Int(PIPE_BUF)).withUnsafeBytes { Glibc.write(rawValue, $0.baseAddress, $0.count) }
            if written < 0, errno == EINTR || errno == EAGAIN { continue }
            guard written > 0 else { return }
            rest = rest.dropFirst(written)
        }
    }
}

extension OutputStream {
    /// Names the files of the data that are not taken as images, a line a reason.
    func tell(_ ignored: IgnoredFiles) {
        for sentence in ignored.sentences { writeIfPossible("alexnet: left out: \(sentence)\n") }
    }
}

/// Large numbers for people: `14,583,706`.
enum Count {
    static func grouped(_ number: Int) -> String {
        let digits = String(number.magnitude)
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { text.append(",") }
            text.append(digit)
        }
        return number < 0 ? "-" + text : text
    }
}
