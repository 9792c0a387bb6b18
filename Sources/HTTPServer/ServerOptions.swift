/// Where to listen, and all limits, each with its reason.
public struct ServerOptions: Sendable, Equatable {
    /// The address or host name to listen on, or `unix:` and the path of a Unix socket. By default only this machine can
    /// connect: serving others has to be chosen deliberately.
    public var host = "127.0.0.1"
    /// The port; 0 takes a free one. 8080 needs no privilege and is what tutorials use.
    public var port = 8080
    /// A socket that listens already, inherited from the process that started this one; ``host`` and ``port`` are then
    /// not used.
    public var listeningDescriptor: Int32?
    /// The most connections that are open at once. A shell usually grants 1024 descriptors. A connection takes 8 KiB
    /// while it receives a head and next to nothing while idle. For a client beyond the limit another connection is
    /// evicted: one that has not sent anything yet, else the one that is idle longest, else the slowest transfer. If
    /// none can be evicted, the client gets 503.
    public var maxConnections = 1024
    /// The most connections of one address (of IPv6, one network of 64 bits); nil is half of ``maxConnections``. One
    /// client then leaves room for others, and a proxy that is missing in ``trustedProxies`` still has enough.
    public var maxConnectionsPerAddress: Int?
    /// Proxies, through which many clients connect: their addresses have no limit per address, and the client's address
    /// is the one that they forward.
    public var trustedProxies: [AddressBlock] = []
    /// Which pages of other origins may read the answers; nil for none.
    public var crossOriginPolicy: CrossOriginPolicy?
    /// How many clients may wait to be accepted: as many as may be connected, so that a burst of them is never refused.
    public var backlog = 1024
    /// How many event loops read, parse and answer; each serves an equal part of the connections. One loop receives
    /// more images than a few cores can decode.
    public var eventLoopCount = 1
    /// How the event loops learn which sockets are ready.
    public var poller = PollerKind.auto
    /// The time from a request's first byte to the end of its fields. A head fits into a packet or two, so 10 s is
    /// generous even on a bad line, and short for an attacker who sends byte by byte (Slowloris).
    public var headerTimeout = Duration.seconds(10)
    /// How long a body may pause, and the time after which it must have averaged ``minBytesPerSecond``. 30 s outlast
    /// the pauses of a mobile network.
    public var bodyTimeout = Duration.seconds(30)
    /// Like ``bodyTimeout``, for a client that reads a response.
    public var writeTimeout = Duration.seconds(30)
    /// The lowest average rate of bodies and responses after their timeout; 0 for none. 16 KiB/s is slower than any
    /// line that uploads images, and nobody can keep a connection open by a byte now and then. Units: bytes a second.
    public var minBytesPerSecond = 16 * 1024
    /// How long a connection may be idle between requests. 60 s is what browsers and proxies expect.
    public var idleTimeout = Duration.seconds(60)
    /// How long input is discarded after a response that was sent before the whole request was read. The client then
    /// reads the response instead of a reset (RFC 9112 §9.6). 5 s suffice for a body just over its limit.
    public var lingerTimeout = Duration.seconds(5)
    /// How long idle connections stay open once draining has begun: a client that is about to send its next request is
    /// still answered, and told to close.
    public var drainGrace = Duration.milliseconds(200)
    /// The largest request line and fields together. 16 KiB hold long cookies and trace fields; servers commonly allow
    /// 8 to 32 KiB. Units: bytes.
    public var maxHeaderBytes = 16 * 1024
    /// The most fields of one request, of the trailer after its chunks, and of one part of a form. Browsers and proxies
    /// send twenty or thirty; Apache allows 100. `HTTPFields` traps at 65,535.
    public var maxHeaderFields = 128
    /// The longest request target. 8 KiB is what RFC 9112 §3 asks every server to support. Units: bytes.
    public var maxTargetBytes = 8 * 1024
    /// The longest content of one request. 32 MiB hold the largest images of a camera, or dozens of ordinary ones.
    /// Units: bytes.
    public var maxBodyBytes = 32 * 1024 * 1024
    /// The most memory for the content of all requests under way. 512 MiB hold sixteen of the longest at once, and a
    /// small machine survives when a thousand clients try. Units: bytes.
    public var maxBufferedBytes = 512 * 1024 * 1024
    /// The most memory for the content of all requests from one address; nil is half of ``maxBufferedBytes``, or
    /// ``maxBodyBytes`` if that is more. Units: bytes.
    public var maxBufferedBytesPerAddress: Int?
    /// The most memory of finished bodies that is kept to be reused. 16 MiB are ten large photographs, and little
    /// beside a model. Units: bytes.
    public var keptBodyBytes = 16 * 1024 * 1024
    /// The most parts of one form. 64 images fill two batches; each part takes up to three strings.
    public var maxParts = 64
    /// The largest fields of one part together. 4 KiB hold the longest file name (255 bytes, escaped threefold) and
    /// more. Units: bytes.
    public var maxPartHeaderBytes = 4 * 1024

    /// The defaults.
    public init() {}

    /// The limits of the request parser.
    var parserLimits: RequestParser.Limits {
        RequestParser.Limits(
            headerByteCount: maxHeaderBytes, targetByteCount: min(maxTargetBytes, maxHeaderBytes),
            bodyByteCount: maxBodyBytes, fieldCount: fieldLimit)
    }

    /// The limits of the multipart parser.
    var multipartLimits: MultipartParser.Limits {
        MultipartParser.Limits(
            partCount: maxParts, partHeaderByteCount: maxPartHeaderBytes, partFieldCount: fieldLimit)
    }

    /// `HTTPFields` traps at 65,535, so the option is capped below.
    private var fieldLimit: Int { min(maxHeaderFields, 65_000) }

    /// The most connections of one address.
    var connectionsPerAddress: Int { maxConnectionsPerAddress ?? max(1, maxConnections / 2) }

    /// The most memory for the bodies of one address. Units: bytes.
    var bufferedBytesPerAddress: Int { maxBufferedBytesPerAddress ?? max(maxBufferedBytes / 2, maxBodyBytes) }

    /// The largest receive buffer of a connection: a whole head, or enough of a body to keep system calls few. That is
    /// also how much of the next requests is read while one is handled. Units: bytes.
    var maxBufferedByteCount: Int { max(64 * 1024, maxHeaderBytes + 8 * 1024) }
}
