import Training

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// Standard output or standard error, written without buffering. A closed pipe is an error, not a crash.
enum OutputStream: Int32 {
    case output = 1
    case error = 2

    /// A write that failed, with the system's reason.
    struct Failure: Error, CustomStringConvertible {
        let reason: String

        var description: String { "The output cannot be written: \(reason)." }
    }

    /// Opens /dev/null for each standard stream that was closed when the program started. Otherwise the first file or
    /// socket would get its number and receive the output.
    static func openMissingStreams() {
        for descriptor: Int32 in 0...2 where fcntl(descriptor, F_GETFD) == -1 {
            // open(2) returns the lowest free descriptor, which is this one.
            _ = open("/dev/null", O_RDWR)
        }
    }

    /// Writes text completely.
    ///
    /// - Throws: ``Failure``
    func write(_ text: String) throws(Failure) { try Self.write(text, to: rawValue) }

    /// Writes text completely to an open file.
    ///
    /// - Throws: ``Failure``
    static func write(_ text: String, to descriptor: Int32) throws(Failure) {
        let bytes = Array(text.utf8)
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Failure(reason: String(cString: strerror(errno))) }
            written += count
        }
    }

    /// Writes text and ignores errors.
    func writeIfPossible(_ text: String) { try? write(text) }

    /// Writes text and ignores errors. It gives up after `limit` if nobody reads.
    func writeIfPossible(_ text: String, within limit: Duration) {
        let end = ContinuousClock.now + limit
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let left = max(.zero, ContinuousClock.now.duration(to: end))
            var waiting = pollfd(fd: rawValue, events: Int16(POLLOUT), revents: 0)
            let count = poll(&waiting, 1, Int32(min(left / .milliseconds(1), 1e6).rounded(.up)))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            // A pipe that is ready for writing accepts this many bytes at once (pipe(7)).
            let written = rest.prefix(Int(PIPE_BUF)).withUnsafeBytes { Glibc.write(rawValue, $0.baseAddress, $0.count) }
            if written < 0, errno == EINTR || errno == EAGAIN { continue }
            guard written > 0 else { return }
            rest = rest.dropFirst(written)
        }
    }
}

extension OutputStream {
    /// Reports the files that are not read as images, one line for each reason.
    func report(_ ignored: IgnoredFiles) {
        for sentence in ignored.sentences { writeIfPossible("alexnet: left out: \(sentence)\n") }
    }
}

/// Formats counts for people.
enum Count {
    /// A number with its thousands separated: `14,583,706`.
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
