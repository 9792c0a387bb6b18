/// Where to listen, and every limit, each with its reason.
public struct ServerOptions: Sendable, Equatable {
    /// The address or host name to listen on. Only this machine by default: what is open to all should be so on purpose.
    public var host = "127.0.0.1"
    /// The port; 0 takes a free one. 8080 needs no privilege and is what tutorials use.
    public var port = 8080
    /// How many connections are held at once. 1024 descriptors are what a shell usually grants; each costs 8 KiB while it
    /// sends a head and next to nothing while idle. For a client beyond it another connection gives way: one that has not
    /// sent anything yet, else the one that rests longest, else the slowest transfer. Where none can, the client is told so (503).
    public var maxConnections = 1024
    /// How many of them one address may have (of IPv6, one network of 64 bits); nil is half of ``maxConnections``. One client
    /// then leaves room for others, and an ordinary proxy that nobody listed in ``trustedProxies`` still has enough.
    public var maxConnectionsPerAddress: Int?
    /// Addresses to which no share applies: many clients come through each.
    public var trustedProxies: [AddressBlock] = []
    /// How many clients may wait to be accepted. As many as may be connected: a burst of them is then never refused.
    public var backlog = 1024
    /// How many threads read, parse and answer; each has its share of the connections. One takes in more pictures than a few
    /// cores can decode.
    public var eventLoopCount = 1
    /// How those threads learn which sockets are ready.
    public var poller = PollerKind.auto
    /// From a request's first byte to the end of its fields. A head fits into a packet or two, so 10 s is generous even
    /// on a bad line, and short for somebody who wants to occupy the server by dripping bytes.
    public var headerTimeout = Duration.seconds(10)
    /// How long a body may make no progress, and how long it has before it must keep up ``minBytesPerSecond``. 30 s
    /// outlast the pauses of a mobile network.
    public var bodyTimeout = Duration.seconds(30)
    /// How long the reader of an answer may make no progress, with the same allowance as a body.
    public var writeTimeout = Duration.seconds(30)
    /// The rate that bodies and answers must keep up on average once their timeout is over; 0 asks for none. 16 KiB/s is
    /// slower than any line that uploads pictures, and lets nobody hold a connection by sending a byte now and then.
    public var minBytesPerSecond = 16 * 1024
    /// How long a connection may rest between requests. 60 s is what browsers and proxies expect.
    public var idleTimeout = Duration.seconds(60)
    /// How long input is discarded behind an answer that came before the request was read, so that its sender can still
    /// read it instead of a reset connection (RFC 9112 §9.6). 5 s suffice for a body just over its limit.
    public var lingerTimeout = Duration.seconds(5)
    /// How long connections at rest stay open once draining has begun: a client that is about to send its next request is
    /// still answered, and told to close.
    public var drainGrace = Duration.milliseconds(200)
    /// Of the request line and all fields together. 16 KiB hold long cookies and trace fields; servers commonly allow 8 to
    /// 32 KiB.
    public var maxHeaderBytes = 16 * 1024
    /// Of one request, and of the trailer behind its chunks, and of one part of a form. Browsers and proxies send twenty or
    /// thirty; Apache allows 100. The library that holds them ends the program at 65,535.
    public var maxHeaderFields = 128
    /// Of the request target. 8 KiB, the length that RFC 9112 §3 asks every server to support.
    public var maxTargetBytes = 8 * 1024
    /// Of the content of one request. 32 MiB hold the largest pictures of a camera, or dozens of ordinary ones.
    public var maxBodyBytes = 32 * 1024 * 1024
    /// Of the contents of all requests that are under way. 512 MiB let sixteen of the longest upload at once, and leave
    /// a small machine alive when a thousand clients try.
    public var maxBufferedBytes = 512 * 1024 * 1024
    /// Of them, those of one address; nil is half of ``maxBufferedBytes``, or one body of the longest where that is more.
    public var maxBufferedBytesPerAddress: Int?
    /// Of the memory of bodies that are over, kept for the next ones. 16 MiB are ten large photographs, and go unnoticed beside a
    /// model.
    public var keptBodyBytes = 16 * 1024 * 1024
    /// Of one multipart body. 64 pictures fill two batches; each part costs up to three strings.
    public var maxParts = 64
    /// Of the fields of one part. 4 KiB hold the longest file name (255 bytes, escaped threefold) and more.
    public var maxPartHeaderBytes = 4 * 1024

    /// The defaults.
    public init() {}

    /// The limits that the request parser watches.
    var parserLimits: RequestParser.Limits {
        RequestParser.Limits(
            headerByteCount: maxHeaderBytes, targetByteCount: min(maxTargetBytes, maxHeaderBytes),
            bodyByteCount: maxBodyBytes, fieldCount: fieldLimit)
    }

    /// The limits that the multipart parser watches.
    var multipartLimits: MultipartParser.Limits {
        MultipartParser.Limits(
            partCount: maxParts, partHeaderByteCount: maxPartHeaderBytes, partFieldCount: fieldLimit)
    }

    /// Far enough below the 65,535 at which `HTTPFields` stops the program, whoever sets the option.
    private var fieldLimit: Int { min(maxHeaderFields, 65_000) }

    /// What each address may have.
    var connectionsPerAddress: Int { maxConnectionsPerAddress ?? max(1, maxConnections / 2) }

    /// What the bodies of each address may take. Units: bytes.
    var bufferedBytesPerAddress: Int { maxBufferedBytesPerAddress ?? max(maxBufferedBytes / 2, maxBodyBytes) }

    /// How much a connection buffers at most: a whole head, or enough of a body to keep system calls few, and so also how
    /// much of the next requests is taken in while one is handled.
    var maxBufferedByteCount: Int { max(64 * 1024, maxHeaderBytes + 8 * 1024) }
}
