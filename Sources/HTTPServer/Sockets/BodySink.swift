/// Where the content of a request goes while it arrives.
enum BodySink {
    /// Nobody wants it.
    case discard
    /// One array; `announced` bytes are to come in all, if that is known.
    case bytes(BodyBytes, announced: Int?)
    /// The arrays of its parts.
    case multipart(MultipartParser)

    /// The sink for a request with this head, behind whatever takes its content coding off.
    init(
        _ head: RequestHead, isCoded: Bool, limits: MultipartParser.Limits, pool: BodyPool
    ) throws(RequestError) {
        do throws(MultipartError) {
            if let parser = try MultipartParser(contentType: head.contentType, limits: limits, pool: pool) {
                self = .multipart(parser)
                return
            }
        } catch {
            throw .multipart(error)
        }
        // Of coded content only the coded length has been announced.
        if case .fixed(let count) = head.framing, !isCoded {
            self = .bytes(BodyBytes(pool: pool), announced: count)
        } else {
            self = .bytes(BodyBytes(pool: pool), announced: nil)
        }
    }

    /// How many bytes are to come in all into one array, if that is known.
    var announced: Int? {
        if case .bytes(_, let announced) = self { announced } else { nil }
    }

    /// Takes the next bytes.
    mutating func append(_ bytes: UnsafeRawBufferPointer) throws(RequestError) {
        // The payload is moved out and back, since it would be copied if two places held it.
        switch consume self {
        case .discard: self = .discard
        case .bytes(var content, let announced):
            self = .discard
            content.append(bytes, announced: announced)
            self = .bytes(content, announced: announced)
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

    /// Has the next bytes read to where they stay; nil where there is no room for them.
    mutating func receive(
        upTo limit: Int, read: (UnsafeMutableRawBufferPointer) -> Socket.Outcome
    ) -> (outcome: Socket.Outcome, room: Int)? {
        guard announced != nil else { return nil }
        // Each case by its name: one that holds what is left would be a second owner of the array.
        switch consume self {
        case .discard: self = .discard
        case .bytes(var content, let announced):
            self = .discard
            let received = content.receive(upTo: limit, read: read)
            self = .bytes(content, announced: announced)
            return received
        case .multipart(let parser): self = .multipart(parser)
        }
        return nil
    }

    /// The content, which is now whole.
    consuming func finish() throws(RequestError) -> RequestBody {
        switch self {
        case .discard: return .bytes([])
        case .bytes(let content, _): return .bytes(content.array)
        case .multipart(var parser):
            do throws(MultipartError) {
                return .multipart(try parser.finish())
            } catch {
                throw .multipart(error)
            }
        }
    }
}
