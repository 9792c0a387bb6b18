@testable import Inference

/// A request that a client sends, and what its answer must be.
struct SimulatedRequest {
    /// What the request is.
    enum Kind {
        /// Images for a model; nil is the default one.
        case prediction(model: String?, [Picture])
        /// Something that has one right status.
        case status(Int)
        /// Bytes that are no request.
        case garbage
    }

    let id: String
    let kind: Kind
    let bytes: [UInt8]
    /// How many of the bytes are the head.
    let headCount: Int
    var isHead = false

    var pictures: [Picture] { if case .prediction(_, let pictures) = kind { pictures } else { [] } }
    var isGarbage: Bool { if case .garbage = kind { true } else { false } }
}

/// Makes requests of every kind.
struct RequestMaker {
    let scheduler: Scheduler
    let models: [String]
    let maxPixels: Int
    private var count = 0

    init(_ scheduler: Scheduler, models: [String], maxPixels: Int) {
        self.scheduler = scheduler
        self.models = models
        self.maxPixels = maxPixels
    }

    private mutating func makeNumber() -> Int {
        count += 1
        return count
    }

    private mutating func picture(isSmall: Bool) -> Picture {
        let side = isSmall ? scheduler.pick(1...300) : scheduler.pickMagnitude(1...4000)
        let height = isSmall ? side : scheduler.pickMagnitude(1...4000)
        let isHuge = !isSmall && scheduler.chance(1, in: 200)
        return Picture(
            id: makeNumber() << 8 | scheduler.pick(0...255), width: side,
            height: isHuge ? maxPixels / side + 1 : height,
            isCorrupt: !isSmall && scheduler.chance(1, in: 20))
    }

    /// A request that an honest client sends.
    ///
    /// - Parameter isSmall: whether it is one small image.
    mutating func make(isSmall: Bool = false) -> SimulatedRequest {
        let number = makeNumber()
        let id = "r\(number)"
        if !isSmall, scheduler.chance(1, in: 8) { return status(id) }
        let model = scheduler.chance(1, in: 2) ? nil : scheduler.pick(models)
        // Answers of every class are so long that a client's buffer may not hold them.
        let query = !isSmall && scheduler.chance(1, in: 6) ? "?top=97" : ""
        let path = (model.map { "/v1/models/\($0)/predict" } ?? "/predict") + query
        let isForm = !isSmall && scheduler.chance(1, in: 4)
        let pictures = (0..<(isForm ? scheduler.pick(1...4) : 1)).map { _ in picture(isSmall: isSmall) }
        let padding = isSmall ? 100 : scheduler.pickMagnitude(1...(64 << 10))
        var fields = ["X-Request-ID: \(id)"]
        var body: [UInt8] = []
        if isForm {
            fields.append("Content-Type: multipart/form-data; boundary=frontier")
            for picture in pictures {
                body += Array(
                    "--frontier\r\nContent-Disposition: form-data; name=\"image\"; filename=\"\(picture.id).png\"\r\nContent-Type: image/png\r\n\r\n"
                        .utf8)
                body += picture.bytes(padding: padding / pictures.count)
                body += Array("\r\n".utf8)
            }
            body += Array("--frontier--\r\n".utf8)
        } else {
            fields.append("Content-Type: image/png")
            body = pictures[0].bytes(padding: padding)
        }
        if !isSmall, scheduler.chance(1, in: 20) { fields.append("Expect: 100-continue") }
        let isChunked = !isSmall && scheduler.chance(1, in: 6)
        if isChunked {
            fields.append("Transfer-Encoding: chunked")
            body = chunks(body)
        } else {
            fields.append("Content-Length: \(body.count)")
        }
        let head = Array("POST \(path) HTTP/1.1\r\nHost: simulated\r\n\(fields.joined(separator: "\r\n"))\r\n\r\n".utf8)
        return SimulatedRequest(
            id: id, kind: .prediction(model: model, pictures), bytes: head + body, headCount: head.count)
    }

    private func chunks(_ body: [UInt8]) -> [UInt8] {
        var (rest, chunked): (ArraySlice<UInt8>, [UInt8]) = (body[...], [])
        while !rest.isEmpty {
            let chunk = rest.prefix(scheduler.pickMagnitude(1...(32 << 10)))
            chunked += Array((String(chunk.count, radix: 16) + "\r\n").utf8) + chunk + [13, 10]
            rest = rest.dropFirst(chunk.count)
        }
        return chunked + Array("0\r\n\r\n".utf8)
    }

    /// A request whose answer depends on nothing but itself.
    private func status(_ id: String) -> SimulatedRequest {
        let cases: [(String, Int)] = [
            ("GET /healthz", 200), ("HEAD /healthz", 200), ("GET /v2", 200), ("GET /nothing", 404),
            ("GET /predict", 405),
            ("DELETE /healthz", 405), ("OPTIONS /predict", 204), ("OPTIONS *", 204),
            ("GET /v2/health/live", 200), ("POST /v1/models/nobody/predict", 404),
        ]
        let (line, status) = scheduler.pick(cases)
        let bytes = Array("\(line) HTTP/1.1\r\nHost: simulated\r\nX-Request-ID: \(id)\r\n\r\n".utf8)
        return SimulatedRequest(
            id: id, kind: .status(status), bytes: bytes, headCount: bytes.count, isHead: line.hasPrefix("HEAD"))
    }

    /// What is no request, or one that no server should take.
    private static let garbage: [[UInt8]] = [
        "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/9.9\r\nHost: a\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\r\n\r\n",
        "GET  /  HTTP/1.1\r\n\r\n",
        "POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        "POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        "POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /predict HTTP/1.1\r\nHost: a\r\nContent-Type: image/png\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "POST /predict HTTP/1.1\r\nHost: a\r\nContent-Type: image/png\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        "POST /predict HTTP/1.1\r\nHost: a\r\nContent-Type: image/png\r\nContent-Length: 99999999999\r\n\r\n",
        "GET /\(String(repeating: "a", count: 20_000)) HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: "X: y\r\n", count: 4000),
        "GET / HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n", "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
    ].map { Array($0.utf8) }

    /// Bytes that a hostile client sends.
    mutating func makeGarbage() -> SimulatedRequest {
        let id = "r\(makeNumber())"
        var bytes = scheduler.pick(Self.garbage)
        if scheduler.chance(1, in: 3) {
            bytes =
                (0..<scheduler.pickMagnitude(4...4000)).map { _ in UInt8(scheduler.pick(0...255)) } + [13, 10, 13, 10]
            // A line that a server skips before a request line is no request yet.
            bytes[0] = 0x7F
        }
        return SimulatedRequest(id: id, kind: .garbage, bytes: bytes, headCount: bytes.count)
    }
}
