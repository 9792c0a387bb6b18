import ArgumentParser

/// The options of the server, shared by `serve` and `doctor`.
struct ServingOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The configuration (default: config/alexnet.yaml, if it exists).", valueName: "file"))
    var config: String?

    @Option(help: "The address to listen on (server.host).")
    var host: String?

    // Numbers are parsed later, so that -1 is reported as out of range instead of as an unknown option.
    @Option(parsing: .unconditional, help: "The TCP port; 0 chooses a free one (server.port).")
    var port: String?

    @Option(
        help: ArgumentHelp("The directory with one folder for each model (models.directory).", valueName: "directory"))
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
        help: ArgumentHelp("The most images in one forward pass (batching.max_batch_size).", valueName: "n"))
    var maxBatchSize: String?

    @Option(
        help: ArgumentHelp(
            "How long a free worker waits for more images (batching.max_queue_delay).", valueName: "time"))
    var maxQueueDelay: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The most images in a model's queue (batching.queue_capacity).", valueName: "n"))
    var queueCapacity: String?

    @Option(
        help: ArgumentHelp("trace, debug, info, notice, warning, error or critical (log.level).", valueName: "level"))
    var logLevel: String?

    @Option(help: ArgumentHelp("text or json (log.format).", valueName: "format"))
    var logFormat: String?

    func validate() throws {
        if source.checkpoint != nil, models != nil || defaultModel != nil {
            throw ValidationError(
                "--checkpoint serves one model; it cannot be combined with --models or --default-model, which are for model "
                    + "folders.")
        }
        if source.preprocessing != nil, source.checkpoint == nil {
            throw ValidationError(
                "--preprocessing requires --checkpoint; for a model folder set \"preprocessing\" in its model.json.")
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
