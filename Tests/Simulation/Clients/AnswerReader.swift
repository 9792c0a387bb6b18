/// Splits the bytes that a server has sent into answers.
struct AnswerReader {
    struct Answer {
        let status: Int
        /// X-Request-ID.
        let id: String
        /// Whether the connection closes after it.
        let closes: Bool
        let body: [UInt8]
    }

    private var bytes: [UInt8] = []
    /// Whether what came cannot be an answer.
    private(set) var isBroken = false
    /// Answers to HEAD have a length, but no content.
    var expectsBody = true

    /// Whether part of an answer has come.
    var hasPart: Bool { !bytes.isEmpty }

    mutating func append(_ new: [UInt8]) { bytes += new }

    /// The next whole answer; interim ones (100 Continue) are skipped.
    mutating func next() -> Answer? {
        while !isBroken {
            guard let end = Self.headEnd(bytes) else { return nil }
            let lines = String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\r\n")
            let words = lines.first?.split(separator: " ") ?? []
            guard words.count >= 2, words[0] == "HTTP/1.1", let status = Int(words[1]) else {
                isBroken = true
                return nil
            }
            if status < 200 {
                bytes.removeFirst(end)
                continue
            }
            var (length, id, closes) = (0, "", false)
            for line in lines.dropFirst() {
                guard let colon = line.firstIndex(of: ":") else {
                    isBroken = true
                    return nil
                }
                let value = line[line.index(after: colon)...].drop { $0 == " " }
                switch line[..<colon].lowercased() {
                case "content-length": length = Int(value) ?? -1
                case "x-request-id": id = String(value)
                case "connection": closes = value == "close"
                default: break
                }
            }
            if status == 204 || !expectsBody { length = 0 }
            guard length >= 0 else {
                isBroken = true
                return nil
            }
            guard bytes.count >= end + length else { return nil }
            let body = Array(bytes[end..<end + length])
            bytes.removeFirst(end + length)
            return Answer(status: status, id: id, closes: closes, body: body)
        }
        return nil
    }

    private static func headEnd(_ bytes: [UInt8]) -> Int? {
        guard bytes.count >= 4 else { return nil }
        for index in 3..<bytes.count where bytes[index] == 10 {
            if bytes[index - 1] == 13, bytes[index - 2] == 10, bytes[index - 3] == 13 { return index + 1 }
        }
        return nil
    }
}
