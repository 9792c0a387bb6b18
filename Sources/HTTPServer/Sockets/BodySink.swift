/// Where the content of a request goes while it arrives.
enum BodySink {
    /// Nobody wants it.
    case discard
    /// One array; `expected` bytes have been announced, if any were.
    case bytes([UInt8], expected: Int?)
    /// The arrays of its parts.
    case multipart(MultipartParser)

    /// The announced length is a promise, not a fact: no more than this is set aside before bytes have come.
    private static let firstReservation = 64 * 1024

    /// The sink for a request with this head, behind whatever takes its content coding off.
    init(_ head: RequestHead, isCoded: Bool, limits: MultipartParser.Limits) throws(RequestError) {
        do throws(MultipartError) {
            if let parser = try MultipartParser(contentType: head.contentType, limits: limits) {
                self = .multipart(parser)
                return
            }
        } catch {
            throw .multipart(error)
        }
        // Of coded content only the coded length has been announced.
        if case .fixed(let count) = head.framing, !isCoded {
            self = .bytes([], expected: count)
        } else {
            self = .bytes([], expected: nil)
        }
    }

    /// Takes the next bytes.
    mutating func append(_ bytes: UnsafeRawBufferPointer) throws(RequestError) {
        // The payload is moved out and back, since it would be copied if two places held it.
        switch consume self {
        case .discard: self = .discard
        case .bytes(var content, let expected):
            self = .discard
            let needed = content.count + bytes.count
            if needed > content.capacity {
                let doubled = max(needed, content.capacity * 2, Self.firstReservation)
                content.reserveCapacity(max(needed, min(doubled, expected ?? doubled)))
            }
            content.append(contentsOf: bytes.bindMemory(to: UInt8.self))
            self = .bytes(content, expected: expected)
        case .multipart(var parser):
            self = .discard
            do throws(MultipartError) {
                try parser.push(bytes)
            } catch {
                throw .multipart(error)
            }
            self = .multipart(parser)
        }
    }

    /// The content, which is now whole.
    consuming func finish() throws(RequestError) -> RequestBody {
        switch self {
        case .discard: return .bytes([])
        case .bytes(let content, _): return .bytes(content)
        case .multipart(var parser):
            do throws(MultipartError) {
                return .multipart(try parser.finish())
            } catch {
                throw .multipart(error)
            }
        }
    }
}
