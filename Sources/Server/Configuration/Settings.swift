import Foundation
import HTTPServer
import Host
import Inference
import Logging
import Threads

/// Everything that can be configured; a fresh value holds the defaults.
///
/// Each section of `config/alexnet.yaml` is a nested structure, each key a property. ``SettingKey`` ties a property to
/// its name, unit and limits; ``load(file:environment:flags:)`` reads file, environment and flags.
public struct Settings: Sendable, Equatable {
    /// Section `server`: the listening socket, and the limits of connections and requests.
    public var server = HTTP()
    /// Section `images`: decoding, and the limits of images.
    public var images = Images()
    /// Section `batching`: the queue of each model, and its batches.
    public var batching = Batching()
    /// Section `models`: where models are, and how they are loaded.
    public var models = Models()
    /// Section `threads`: how many threads compute.
    public var threads = Threads()
    /// Section `log`: what is logged, and how.
    public var log = Log()
    /// Section `admin`: who may load and unload models.
    public var admin = Admin()

    /// The defaults.
    public init() {}

    /// Section `server`: the listening socket, and the limits of connections and requests.
    public struct HTTP: Sendable, Equatable {
        /// `server.host`: the address to listen on.
        public var host = "127.0.0.1"
        /// `server.port`: the TCP port; 0 takes a free one.
        public var port = 8080
        /// `server.poller`: how the server learns which sockets are ready.
        public var poller = PollerKind.auto
        /// `server.max_connections`: the most open connections.
        public var maxConnections = 1024
        /// `server.max_connections_per_address`: the most open connections of one address; nil is half of ``maxConnections``.
        public var maxConnectionsPerAddress: Int?
        /// `server.trusted_proxies`: proxies that are exempt from the limits per address, and that forward their clients'.
        public var trustedProxies: [AddressBlock] = []
        /// `server.cors_origins`: which pages of other origins may read the answers in a browser; nil for none.
        public var crossOriginPolicy: CrossOriginPolicy?
        /// `server.page`: whether browsers get a page at `/`.
        public var page = true
        /// `server.header_timeout`: the time from a request's first byte to the end of its fields.
        public var headerTimeout = Duration.seconds(10)
        /// `server.body_timeout`: the longest pause while content arrives; after this time ``minBodyRate`` applies as well.
        public var bodyTimeout = Duration.seconds(30)
        /// `server.write_timeout`: the longest pause while a client reads a response; then ``minBodyRate`` applies as
        /// well.
        public var writeTimeout = Duration.seconds(30)
        /// `server.min_body_rate`: the lowest average rate at which content arrives or is read; 0 for none. Units: bytes per
        /// second.
        public var minBodyRate = 16 << 10
        /// `server.idle_timeout`: the longest time between two requests of a connection.
        public var idleTimeout = Duration.seconds(60)
        /// `server.max_header_bytes`: the largest request line and fields together. Units: bytes.
        public var maxHeaderBytes = 16 << 10
        /// `server.max_header_fields`: the most fields of one request, of its trailer, and of one part of a form.
        public var maxHeaderFields = 128
        /// `server.max_body_bytes`: the largest content of one request. Units: bytes.
        public var maxBodyBytes = 32 << 20
        /// `server.max_buffered_bytes`: the memory for the content of all requests. Units: bytes.
        public var maxBufferedBytes = 512 << 20
        /// `server.max_buffered_bytes_per_address`: the part of it that one address may take; nil is half, or
        /// ``maxBodyBytes`` if that is more. Units: bytes.
        public var maxBufferedBytesPerAddress: Int?
        /// `server.drain_delay`: how long new work is still accepted after SIGTERM.
        public var drainDelay = Duration.zero
        /// `server.drain_timeout`: the longest time from SIGTERM to the exit.
        public var drainTimeout = Duration.seconds(25)
    }

    /// Section `images`: decoding, and the limits of images.
    public struct Images: Sendable, Equatable {
        /// `images.max_pixels`: the largest width times height of one image.
        public var maxPixels = 128_000_000
        /// `images.max_request_pixels`: the most pixels of all images of one request.
        public var maxRequestPixels = 512_000_000
        /// `images.decode_bytes`: the memory for images that cannot be decoded row by row. Units: bytes.
        public var decodeBytes = 1 << 30
        /// `images.max_per_request`: the most images in one request.
        public var maxPerRequest = 64
        /// `images.apply_orientation`: whether images are turned by their EXIF orientation.
        public var applyOrientation = true
        /// `images.decode`: whether large JPEGs are decoded at reduced size.
        public var decode = DecodeMode.exact
    }

    /// Section `batching`: the queue of each model, and its batches.
    public struct Batching: Sendable, Equatable {
        /// `batching.max_batch_size`: the most images in one forward pass.
        public var maxBatchSize = 32
        /// `batching.max_queue_delay`: how long a free worker waits for more images.
        public var maxQueueDelay = Duration.zero
        /// `batching.queue_capacity`: the most images that may wait for one model.
        public var queueCapacity = 256
        /// `batching.queue_bytes`: the memory for waiting images of all models, with their tensors. Units: bytes.
        public var queueBytes = 512 << 20
        /// `batching.queue_pixels`: the most pixels of images that wait or are decoded, for all models. Units: pixels.
        public var queuePixels = 2_000_000_000
        /// `batching.request_deadline`: the longest time from a request's last byte to its answer.
        public var requestDeadline = Duration.seconds(10)
    }

    /// Section `models`: where models are, and how they are loaded.
    public struct Models: Sendable, Equatable {
        /// `models.directory`: the folder that holds one folder for each model.
        public var directory = "weights"
        /// `models.default`: the model behind `POST /predict`; nil is the only one, or the first by name that loads.
        public var defaultModel: String?
        /// `models.follow_outside_links`: whether links may lead out of the directory, or to other users' files.
        public var followOutsideLinks = false
        /// `models.reload_interval`: how often the folders are checked for changes.
        public var reloadInterval = Duration.seconds(1)
        /// `models.memory_limit`: the most memory of all loaded models together: weights, prepared kernels and working
        /// memory; nil is three quarters of ``AvailableMemory/current`` at the start. Units: bytes.
        public var memoryLimit: Int?
        /// `models.tuning_limit`: how long loading a model may measure algorithms; zero relies on estimates.
        public var tuningLimit = Duration.seconds(1)
        /// `models.tuning_cache`: the folder that keeps the measurements; nil is the user's cache folder.
        public var tuningCache: String?
        /// `models.precision`: the number format of linear layers' weights, unless a `model.json` sets it.
        public var precision = Precision.float32
    }

    /// Section `threads`: how many threads compute.
    public struct Threads: Sendable, Equatable {
        /// `threads.total`: the threads for decoding and the network together; nil is ``CPUQuota/current``.
        public var total: Int?
    }

    /// Section `log`: what is logged, and how.
    public struct Log: Sendable, Equatable {
        /// `log.level`: the least severe level that is written.
        public var level = Logger.Level.info
        /// `log.format`: text for people, JSON lines for machines.
        public var format = LogFormat.text
        /// `log.access`: which requests are logged.
        public var access = AccessLogging.all
        /// `log.max_buffered_bytes`: the most memory for lines that wait while nobody reads the log. Units: bytes.
        public var maxBufferedBytes = 1 << 20
    }

    /// Section `admin`: who may load and unload models.
    public struct Admin: Sendable, Equatable {
        /// `admin.token_file`: the file with the token of the admin routes; nil turns them off.
        public var tokenFile: String?
    }
}

extension Settings.HTTP {
    /// Checks that a server could listen on the configured address: listens for a moment.
    ///
    /// - Returns: the address, with the port that the system chose for port 0.
    /// - Throws: ``SocketError`` if a server could not listen there.
    public func tryListening() throws -> String {
        try SocketServer.tryListening(host: host, port: port).description
    }
}

extension AlgorithmTuning {
    /// Tuning by the settings, with the measurements of earlier runs.
    init(_ settings: Settings, workers: WorkerPool) {
        let directory = settings.models.tuningDirectory(in: ProcessInfo.processInfo.environment)
        self.init(
            limit: settings.models.tuningLimit,
            file: directory.map { AlgorithmTimingFile(directory: $0, threadCount: workers.threadCount) })
    }
}

extension Settings.Models {
    /// The folder that keeps the measurements; nil if none is configured and there is no home folder.
    public func tuningDirectory(in environment: [String: String]) -> String? {
        tuningCache ?? AlgorithmTimingFile.defaultDirectory(in: environment)
    }
}

extension Settings {
    /// Refuses values that contradict each other.
    func refuseConflicts(origins: [String: SettingOrigin]) throws(SettingsError) {
        try require(
            "server.max_body_bytes", \.server.maxBodyBytes, "must not exceed", <=,
            "server.max_buffered_bytes", \.server.maxBufferedBytes, origins)
        try require(
            "server.max_body_bytes", \.server.maxBodyBytes, "must not exceed", <=,
            "server.max_buffered_bytes_per_address", \.server.bodyShare, origins)
        // With a delay as long as the deadline, every lone request would be answered too late.
        try require(
            "batching.max_queue_delay", \.batching.maxQueueDelay, "must be less than", <,
            "batching.request_deadline", \.batching.requestDeadline, origins)
        try require(
            "server.drain_delay", \.server.drainDelay, "must not exceed", <=,
            "server.drain_timeout", \.server.drainTimeout, origins)
    }

    private func require<Value>(
        _ key: String, _ path: KeyPath<Settings, Value>, _ requirement: String, _ holds: (Value, Value) -> Bool,
        _ otherKey: String, _ otherPath: KeyPath<Settings, Value>, _ origins: [String: SettingOrigin]
    ) throws(SettingsError) {
        if holds(self[keyPath: path], self[keyPath: otherPath]) { return }
        throw .conflict(
            key: key, found: SettingKey.byName[key]?.text(self) ?? "", origin: origins[key] ?? .byDefault,
            requirement: requirement,
            otherKey: otherKey, otherFound: SettingKey.byName[otherKey]?.text(self) ?? "",
            otherOrigin: origins[otherKey] ?? .byDefault)
    }
}

extension Settings.HTTP {
    /// The most memory for the bodies of one address, if it is set. Units: bytes.
    fileprivate var bodyShare: Int { maxBufferedBytesPerAddress ?? .max }
}

extension Settings {
    /// Limits the connections to the available file descriptors, and logs a warning if that changes the setting.
    func fittingDescriptors(_ limit: DescriptorLimit?, _ logger: Logger) -> Settings {
        guard let limit, limit.connectionCapacity < server.maxConnections else { return self }
        logger.warning(
            """
            the process may not open enough files for server.max_connections; fewer connections are taken: raise the hard \
            limit (ulimit -Hn, LimitNOFILE= of systemd)
            """,
            metadata: [
                "connections": .stringConvertible(limit.connectionCapacity),
                "max_connections": .stringConvertible(server.maxConnections),
                "open_files": .stringConvertible(limit.soft),
            ])
        var settings = self
        settings.server.maxConnections = limit.connectionCapacity
        return settings
    }
}
