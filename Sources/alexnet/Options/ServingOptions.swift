import ArgumentParser

/// The options that say what is served and how, shared by `serve` and by `doctor`, which looks at it first.
struct ServingOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The configuration (default: config/alexnet.yaml, if it exists).", valueName: "file"))
    var config: String?

    @Option(help: "The address to listen on (server.host).")
    var host: String?

    // Numbers are taken as they come, so that -1 is told to be out of limits and not to be an option.
    @Option(parsing: .unconditional, help: "The TCP port; 0 takes a free one (server.port).")
    var port: String?

    @Option(help: ArgumentHelp("The directory with one folder a model (models.directory).", valueName: "directory"))
    var models: String?

    @Option(help: ArgumentHelp("The model behind POST /predict (models.default).", valueName: "name"))
    var defaultModel: String?

    @OptionGroup var source: CheckpointOptions

    @Option(help: ArgumentHelp("exact or scaled: how images are decoded (images.decode).", valueName: "mode"))
    var decode: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Threads for decoding and the network together (threads.total).", valueName: "n"))
    var threads: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Images in one forward pass at most (batching.max_batch_size).", valueName: "n"))
    var maxBatchSize: String?

    @Option(
        help: ArgumentHelp(
            "How long a free worker waits for more images (batching.max_queue_delay).", valueName: "time"))
    var maxQueueDelay: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Images of one model that may wait (batching.queue_capacity).", valueName: "n"))
    var queueCapacity: String?

    @Option(
        help: ArgumentHelp("trace, debug, info, notice, warning, error or critical (log.level).", valueName: "level"))
    var logLevel: String?

    @Option(help: ArgumentHelp("text or json (log.format).", valueName: "format"))
    var logFormat: String?

    func validate() throws {
        if source.checkpoint != nil, models != nil || defaultModel != nil {
            throw ValidationError("--checkpoint is served alone; --models and --default-model speak of model folders.")
        }
        if source.preprocessing != nil, source.checkpoint == nil {
            throw ValidationError(
                "--preprocessing belongs to --checkpoint; a model folder says \"preprocessing\" in its model.json.")
        }
    }

    /// The flags that were given, by configuration key.
    var flags: [String: String] {
        let all: [String: String?] = [
            "server.host": host, "server.port": port, "models.directory": models, "models.default": defaultModel,
            "images.decode": decode, "threads.total": threads, "batching.max_batch_size": maxBatchSize,
            "batching.max_queue_delay": maxQueueDelay, "batching.queue_capacity": queueCapacity,
            "log.level": logLevel, "log.format": logFormat,
        ]
        return all.compactMapValues(\.self)
    }
}
