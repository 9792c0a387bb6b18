// A release build has nothing to import for tests.
#if DEBUG
    @testable import HTTPServer

    /// Everything that a parser made of a stream of bytes that came in pieces.
    struct ParserRun: Equatable {
        /// A request as the parser tells it.
        struct Message: Equatable {
            var head: RequestHead
            var body: [UInt8] = []
            var isWhole = false
        }

        var messages: [Message] = []
        var error: RequestError?
        /// Bytes that were left when the parser wanted more.
        var unread = 0

        static let limits = RequestParser.Limits(headerByteCount: 1024, targetByteCount: 64, bodyByteCount: 100)

        /// Feeds `text` in pieces of `size` bytes.
        init(_ text: String, pieces size: Int = .max, limits: RequestParser.Limits = Self.limits) {
            self.init(Array(text.utf8), pieces: size, limits: limits)
        }

        /// Feeds `bytes` in pieces of `size` bytes.
        init(_ bytes: [UInt8], pieces size: Int = .max, limits: RequestParser.Limits = Self.limits) {
            var parser = RequestParser(limits: limits)
            var start = 0
            var end = 0
            while end < bytes.count, error == nil {
                end = min(bytes.count, size == .max ? bytes.count : end + size)
                while error == nil {
                    let buffer = Array(bytes[start..<end])
                    do throws(RequestError) {
                        let (event, consumed) = try Self.next(&parser, buffer)
                        switch event {
                        case .needMore: break
                        case .head(let head): messages.append(Message(head: head))
                        case .body(let range): messages[messages.count - 1].body += buffer[range]
                        case .end: messages[messages.count - 1].isWhole = true
                        }
                        start += consumed
                        if event == .needMore && consumed == 0 { break }
                    } catch {
                        self.error = error
                    }
                }
            }
            unread = bytes.count - start
        }

        private static func next(
            _ parser: inout RequestParser, _ bytes: [UInt8]
        ) throws(RequestError) -> (event: RequestParser.Event, consumed: Int) {
            let result: Result<(event: RequestParser.Event, consumed: Int), RequestError> = bytes.withUnsafeBytes {
                raw in
                do throws(RequestError) { return .success(try parser.next(raw)) } catch { return .failure(error) }
            }
            return try result.get()
        }

        /// Whether it makes no difference in which pieces the bytes come.
        static func agree(_ text: String) -> ParserRun? { agree(Array(text.utf8)) }

        /// Whether it makes no difference in which pieces the bytes come.
        static func agree(_ bytes: [UInt8]) -> ParserRun? {
            let whole = ParserRun(bytes)
            for size in [1, 2, 3, 7, 64] {
                var pieces = ParserRun(bytes, pieces: size)
                // An error may quote less of a line that has not come whole.
                if pieces.error?.status == whole.error?.status { pieces.error = whole.error }
                pieces.unread = whole.unread
                if pieces != whole { return nil }
            }
            return whole
        }
    }

    /// Damaged copies of good bytes, the same in every run.
    struct Mutations: RandomNumberGenerator {
        private var state: UInt64

        /// Begins at `seed`.
        init(seed: UInt64) { state = seed }

        /// SplitMix64 (Steele, Lea and Flood 2014).
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }

        /// `bytes` with one to three bytes replaced, removed, put in or repeated.
        mutating func damage(_ bytes: [UInt8]) -> [UInt8] {
            let interesting = Array("\r\n\0 \t:;,-+0fF%/.\"\\".utf8) + [0x7F, 0x80, 0xFF]
            var damaged = bytes
            for _ in 0..<Int.random(in: 1...3, using: &self) where !damaged.isEmpty {
                let index = Int.random(in: 0..<damaged.count, using: &self)
                let byte = interesting.randomElement(using: &self) ?? 0
                switch Int.random(in: 0..<4, using: &self) {
                case 0: damaged[index] = byte
                case 1: damaged.remove(at: index)
                case 2: damaged.insert(byte, at: index)
                default:
                    let end = min(damaged.count, index + Int.random(in: 1...12, using: &self))
                    damaged.insert(contentsOf: Array(damaged[index..<end]), at: index)
                }
            }
            return damaged
        }
    }
#endif
