/// Where the content of a request goes while it arrives: into one array, in which a form's parts are found as they come.
struct BodySink {
    /// How many bytes are to come in all, if that is known.
    let announced: Int?
    /// What has come so far.
    var content: [UInt8] { bytes.array }

    private var bytes: BodyBytes
    private var form: MultipartParser?

    /// The sink for a request with this head, behind whatever takes its content coding off.
    ///
    /// - Parameter reservation: pays for the memory.
    init(
        _ head: RequestHead, isCoded: Bool, limits: MultipartParser.Limits, pool: BodyPool, reservation: BodyReservation
    ) throws(RequestError) {
        bytes = BodyBytes(pool: pool, reservation: reservation)
        // Of coded content only the coded length has been announced.
        if case .fixed(let count) = head.framing, !isCoded { announced = count } else { announced = nil }
        do throws(MultipartError) {
            form = try MultipartParser(contentType: head.contentType, limits: limits)
        } catch {
            throw .multipart(error)
        }
    }

    /// Takes the next bytes.
    mutating func append(_ next: UnsafeRawBufferPointer) throws(RequestError) {
        try bytes.append(next, announced: announced)
        try look()
    }

    /// Has the next bytes read to where they stay; nil where there is no room for them.
    ///
    /// ``look()`` comes behind it.
    mutating func receive(
        upTo limit: Int, read: (UnsafeMutableRawBufferPointer) -> Socket.Outcome
    ) -> (outcome: Socket.Outcome, room: Int)? {
        announced == nil ? nil : bytes.receive(upTo: limit, read: read)
    }

    /// Looks at what has come.
    mutating func look() throws(RequestError) {
        guard var parser = form.take() else { return }
        do throws(MultipartError) {
            try bytes.array.withUnsafeBufferPointer { body throws(MultipartError) in
                try parser.read(UnsafeRawBufferPointer(body))
            }
        } catch {
            throw .multipart(error)
        }
        form = parser
    }

    /// The content, which is now whole.
    consuming func finish() throws(RequestError) -> RequestBody {
        guard let form else { return .bytes(content) }
        do throws(MultipartError) {
            return .multipart(try form.parts(of: content))
        } catch {
            throw .multipart(error)
        }
    }
}
