import ArgumentParser
import Foundation
import Inference
import Logging
import Server
import ServiceLifecycle

/// `alexnet serve`: a server, until SIGTERM or SIGINT.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve models over HTTP.",
        discussion: """
            Flags overrule environment variables (ALEXNET_SERVER_PORT), which overrule config/alexnet.yaml; that file \
            explains every key. The line "ready http://…" on standard output says when pictures can be sent; logs go to \
            standard error. SIGHUP reloads every model, SIGTERM answers what was taken and ends.
            """
    )

    @Option(help: ArgumentHelp("The configuration (default: config/alexnet.yaml, if it exists).", valueName: "file"))
    var config: String?

    @Option(help: "The address to listen on (server.host).")
    var host: String?

    @Option(help: "The TCP port; 0 takes a free one (server.port).")
    var port: String?

    @Option(help: ArgumentHelp("The directory with one folder a model (models.directory).", valueName: "directory"))
    var models: String?

    @Option(help: ArgumentHelp("The model behind POST /predict (models.default).", valueName: "name"))
    var defaultModel: String?

    @OptionGroup var source: CheckpointOptions

    @Option(help: ArgumentHelp("exact or scaled: how pictures are decoded (images.decode).", valueName: "mode"))
    var decode: String?

    @Option(help: ArgumentHelp("Threads for decoding and the network together (threads.total).", valueName: "n"))
    var threads: String?

    @Option(help: ArgumentHelp("Images in one forward pass at most (batching.max_batch_size).", valueName: "n"))
    var maxBatchSize: String?

    @Option(
        help: ArgumentHelp(
            "How long a free worker waits for more images (batching.max_queue_delay).", valueName: "time"))
    var maxQueueDelay: String?

    @Option(help: ArgumentHelp("Images that may wait (batching.queue_capacity).", valueName: "n"))
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

    func run() async throws {
        // A log that nobody reads any more must not end the server, nor a reload that is asked for before it is ready.
        signal(SIGPIPE, SIG_IGN)
        signal(SIGHUP, SIG_IGN)
        let settings: Settings
        do {
            settings = try Settings.load(
                file: config, environment: ProcessInfo.processInfo.environment, flags: flags)
        } catch {
            throw Failure.usage(error)
        }
        LoggingSystem.bootstrap(settings.log)
        let logger = Logger(label: "alexnet")
        ComputeEnvironment.warnings.forEach { logger.warning("\($0)") }
        let service: ServingService
        do {
            service = try ServingService(
                settings: settings, files: source.files.map { [$0] }, precision: source.precision, logger: logger
            ) { url in
                do {
                    try OutputStream.output.write("ready \(url)\n")
                } catch {
                    logger.warning("\(error)", metadata: ["url": "\(url)"])
                }
            }
        } catch {
            throw Failure.usage(error)
        }
        do {
            try await ServiceGroup(
                configuration: ServiceGroupConfiguration(
                    services: [.init(service: service, successTerminationBehavior: .gracefullyShutdownGroup)],
                    gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet(logger))
            ).run()
        } catch {
            throw Failure.work(error)
        }
    }

    /// The group's own steps are of interest only when something is being looked for.
    private func quiet(_ logger: Logger) -> Logger {
        var logger = logger
        if logger.logLevel > .debug { logger.logLevel = max(logger.logLevel, .warning) }
        return logger
    }
}
