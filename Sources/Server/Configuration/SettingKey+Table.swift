import Inference
import Logging

extension SettingKey {
    /// All keys, in the order of `config/alexnet.yaml`.
    ///
    /// Parsing, the refusal of unknown keys and ``Settings/commentedDefaults`` use this table.
    public static let all: [SettingKey] = [
        SettingKey(
            "server.host", \.server.host, .host,
            "Address to listen on; 0.0.0.0 or :: for every interface; unix:/path for a Unix socket."),
        SettingKey("server.port", \.server.port, .count(0...65535), "TCP port to listen on; 0 takes a free one."),
        SettingKey(
            "server.poller", \.server.poller, .poller,
            "How the server learns which sockets are ready; auto for epoll on Linux, Dispatch sources elsewhere."),
        SettingKey(
            "server.max_connections", \.server.maxConnections, .count(1...1_000_000),
            "Most open connections; beyond that idle ones are closed for new ones, or a client is answered 503."
        ),
        SettingKey(
            "server.max_connections_per_address", \.server.maxConnectionsPerAddress, .automaticCount(1...1_000_000),
            "Most open connections of one address (of IPv6, one /64); auto for half of max_connections."),
        SettingKey(
            "server.trusted_proxies", \.server.trustedProxies, .addressBlocks,
            "Proxies whose Forwarded or X-Forwarded-For names the client, and that no limit per address concerns: "
                + "\"10.0.0.0/8, ::1\"."),
        SettingKey(
            "server.cors_origins", \.server.crossOriginPolicy, .origins,
            "Web pages that may read the answers: \"https://shop.example, http://localhost:3000\", or \"*\" for all."),
        SettingKey(
            "server.page", \.server.page, .flag, "Whether browsers get a page at / that shows what the models see."),
        SettingKey(
            "server.header_timeout", \.server.headerTimeout, .duration(.milliseconds(1) ... .seconds(3600)),
            "Time for a request's line and fields, from its first byte."),
        SettingKey(
            "server.body_timeout", \.server.bodyTimeout, .duration(.milliseconds(1) ... .seconds(3600)),
            "Longest pause while content arrives; after this time it must also average min_body_rate."),
        SettingKey(
            "server.write_timeout", \.server.writeTimeout, .duration(.milliseconds(1) ... .seconds(3600)),
            "Longest pause while a client reads a response; after this time it must also average min_body_rate."),
        SettingKey(
            "server.min_body_rate", \.server.minBodyRate, .size(0...(1 << 30)),
            "Lowest average rate at which content arrives or is read, per second; 0 for none. Slower requests are "
                + "answered 408."
        ),
        SettingKey(
            "server.idle_timeout", \.server.idleTimeout, .duration(.milliseconds(1) ... .seconds(3600)),
            "Time a connection may stay open without a request."),
        SettingKey(
            "server.max_header_bytes", \.server.maxHeaderBytes, .size((1 << 10)...(1 << 20)),
            "Largest request line and fields together."),
        SettingKey(
            "server.max_header_fields", \.server.maxHeaderFields, .count(1...65_000),
            "Most fields of one request, of its trailer, and of one part of a form; beyond that a request is "
                + "answered 431."
        ),
        SettingKey(
            "server.max_body_bytes", \.server.maxBodyBytes, .size((1 << 10)...(4 << 30)),
            "Largest content of one request."),
        SettingKey(
            "server.max_buffered_bytes", \.server.maxBufferedBytes, .size((1 << 10)...(1 << 40)),
            "Memory for the content of all requests; beyond that slow uploads are cancelled, or requests are "
                + "answered 429."
        ),
        SettingKey(
            "server.max_buffered_bytes_per_address", \.server.maxBufferedBytesPerAddress,
            .automaticSize((1 << 10)...(1 << 40)),
            "Of it, for one address; auto for half of max_buffered_bytes, or for max_body_bytes where that is more."),
        SettingKey(
            "server.drain_delay", \.server.drainDelay, .duration(.zero ... .seconds(3600)),
            "After SIGTERM, time in which new work is still taken while /readyz already answers 503."),
        SettingKey(
            "server.drain_timeout", \.server.drainTimeout, .duration(.zero ... .seconds(3600)),
            "After SIGTERM, time within which the process exits; it includes drain_delay."),

        SettingKey(
            "images.max_pixels", \.images.maxPixels, .count(1...1_000_000_000),
            "Largest width times height of one image."),
        SettingKey(
            "images.max_request_pixels", \.images.maxRequestPixels, .count(1...1_000_000_000_000),
            "Most pixels of all images of one request; beyond that, and above max_pixels, it is answered 413."),
        SettingKey(
            "images.decode_bytes", \.images.decodeBytes, .size((1 << 20)...(1 << 40)),
            "Memory for images that cannot be decoded row by row: progressive JPEG, interlaced PNG, WebP."),
        SettingKey(
            "images.max_per_request", \.images.maxPerRequest, .count(1...65536), "Most images in one request."),
        SettingKey(
            "images.apply_orientation", \.images.applyOrientation, .flag,
            "Whether the EXIF orientation turns the image, as cameras and viewers expect."),
        SettingKey(
            "images.decode", \.images.decode,
            .choice(DecodeMode.self),
            "How images are decoded: exact as by Pillow, to the bit; scaled takes large JPEGs at 1/2, 1/4 or 1/8 size."
        ),

        SettingKey(
            "batching.max_batch_size", \.batching.maxBatchSize, .count(1...4096), "Most images in one forward pass."),
        SettingKey(
            "batching.max_queue_delay", \.batching.maxQueueDelay, .duration(.zero ... .seconds(60)),
            "Time a free worker waits for a batch to fill; with 0s a lone request never waits."),
        SettingKey(
            "batching.queue_capacity", \.batching.queueCapacity, .count(1...1_000_000),
            "Most images that may wait for one model; beyond that its requests are answered 429."),
        SettingKey(
            "batching.queue_bytes", \.batching.queueBytes, .size((1 << 20)...(1 << 40)),
            "Memory for the images that wait for all models; beyond that requests are answered 429."),
        SettingKey(
            "batching.queue_pixels", \.batching.queuePixels, .count(1...1_000_000_000_000),
            "Most pixels of images that wait or are decoded, for all models; beyond that requests are answered 429."),
        SettingKey(
            "batching.request_deadline", \.batching.requestDeadline, .duration(.milliseconds(1) ... .seconds(3600)),
            "Time from a request's last byte to its answer; beyond that it is answered 504."),

        SettingKey("models.directory", \.models.directory, .text, "Folder with one folder for each model."),
        SettingKey(
            "models.default", \.models.defaultModel, .optionalText,
            "Model that POST /predict uses; empty for the only one, or the first by name that loads."),
        SettingKey(
            "models.follow_outside_links", \.models.followOutsideLinks, .flag,
            "Whether links in the model folders may lead out of models.directory, or be hard links to other users' files; "
                + "otherwise such models are refused."
        ),
        SettingKey(
            "models.reload_interval", \.models.reloadInterval, .duration(.milliseconds(10) ... .seconds(86400)),
            "How often the model folders are checked for changes."),
        SettingKey(
            "models.memory_limit", \.models.memoryLimit, .automaticSize((1 << 20)...(1 << 50)),
            "Memory for all loaded models together; auto for three quarters of the free memory at the start."),
        SettingKey(
            "models.tuning_limit", \.models.tuningLimit, .duration(.zero ... .seconds(60)),
            "How long loading a model may measure which algorithms are fastest on this CPU; 0s relies on estimates."),
        SettingKey(
            "models.tuning_cache", \.models.tuningCache, .optionalText,
            "Folder that keeps the measurements; empty for $XDG_CACHE_HOME/alexnet or ~/.cache/alexnet."),
        SettingKey(
            "models.precision", \.models.precision, .choice(Precision.self),
            "Number format of linear layers' weights, unless a model.json sets it; fewer bytes are faster."),

        SettingKey(
            "threads.total", \.threads.total, .automaticCount(1...1024),
            "Threads for decoding and the network together; auto for the cgroup's CPU quota."),

        SettingKey(
            "log.level", \.log.level, .choice(Logger.Level.self),
            "Least severe level that is written to standard error."),
        SettingKey(
            "log.format", \.log.format, .choice(LogFormat.self),
            "text for people, json (one object a line) for machines."
        ),
        SettingKey(
            "log.access", \.log.access, .choice(AccessLogging.self),
            "Which requests are logged: all of them, or predictions and errors, without probes and scrapes."),
        SettingKey(
            "log.max_buffered_bytes", \.log.maxBufferedBytes, .size((64 << 10)...(1 << 30)),
            "Memory for log lines while nobody reads them; beyond that lines are dropped and counted; the server "
                + "never blocks."
        ),

        SettingKey(
            "admin.token_file", \.admin.tokenFile, .optionalText,
            "File with the token of the admin routes; empty turns them off."),
    ]

    /// The section names, each once, in the order of the file.
    static let sections: [String] = all.map(\.section).reduce(into: []) { sections, section in
        if sections.last != section { sections.append(section) }
    }

    /// The keys by name.
    static let byName = Dictionary(all.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
}

extension Settings {
    /// A configuration file that sets every key to its default and explains it: the text of `config/alexnet.yaml`.
    public static var commentedDefaults: String {
        var text = """
            # Every key of the configuration with its default.
            #
            # A key can be left out, and be set by an environment variable instead (ALEXNET_SERVER_PORT for server.port),
            # which wins over this file; a flag wins over both. A key that does not exist is an error.

            """
        for section in SettingKey.sections {
            text += "\n\(section):\n"
            for key in SettingKey.all where key.section == section {
                let value = key.defaultText.isEmpty ? "\"\"" : key.defaultText
                text += "  # \(key.meaning)\n  # Value: \(key.expectation).\n  \(key.key): \(value)\n"
            }
        }
        return text
    }
}
