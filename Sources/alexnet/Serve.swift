import ArgumentParser
import Foundation
import Host
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

    @OptionGroup var options: ServingOptions

    func run() async throws {
        // A log that nobody reads any more must not end the server, nor a reload that is asked for before it is ready.
        signal(SIGPIPE, SIG_IGN)
        signal(SIGHUP, SIG_IGN)
        HeapPolicy.returnLargeBlocks()
        let settings: Settings
        do {
            try options.source.check()
            settings = try Settings.load(
                file: options.config, environment: ProcessInfo.processInfo.environment, flags: options.flags)
        } catch {
            Self.end(Failure.usageCode, error)
        }
        // Before the first thread of its own is started.
        try CommandThreads.check(forPoolOf: settings.threads.total ?? CPUQuota.current)
        let log = LoggingSystem.bootstrap(settings.log)
        let logger = Logger(label: "alexnet")
        let stopSignal = StopSignal(limit: settings.server.drainTimeout) {
            logger.critical("not stopped within server.drain_timeout: ending all the same")
            Self.end(Failure.workCode, log: log)
        }
        ComputeEnvironment.warnings.forEach { logger.warning("\($0)") }
        let service: ServingService
        do {
            service = try ServingService(
                settings: settings, files: options.source.files.map { [$0] }, precision: options.source.precision,
                log: log, logger: logger, announce: { Self.announce($0, logger) })
        } catch ModelStoreError.cannotLook(let error) {
            // Nothing is known against the configuration.
            Self.end(Failure.workCode, ModelStoreError.cannotLook(error), log: log)
        } catch {
            Self.end(Failure.usageCode, ModelsDirectoryMistake(error) ?? error, log: log)
        }
        do {
            let group = ServiceGroup(
                configuration: ServiceGroupConfiguration(
                    services: [.init(service: service, successTerminationBehavior: .gracefullyShutdownGroup)],
                    logger: quiet(logger)))
            stopSignal.onRequest { Task { await group.triggerGracefulShutdown() } }
            try await group.run()
        } catch {
            Self.end(Failure.workCode, error, log: log)
        }
        Self.end(0, log: log)
    }

    /// Says on standard output that the server is ready, on a thread that may wait for whoever reads it.
    private static func announce(_ url: String, _ logger: Logger) {
        Thread.detachNewThread {
            do {
                try OutputStream.output.write("ready \(url)\n")
            } catch {
                logger.warning("\(error)", metadata: ["url": "\(url)"])
            }
        }
    }

    /// Ends the process at once, whether or not anybody reads the last lines of the log.
    ///
    /// Not by exit(3): other threads may be in the middle of loading or computing, and its handlers would take away what they use.
    private static func end(_ code: Int32, _ error: (any Error)? = nil, log: LogWriter? = nil) -> Never {
        log?.flush(within: Failure.serverPatience)
        if let error { OutputStream.error.writeIfPossible("alexnet: \(error)\n", within: Failure.serverPatience) }
        _exit(code)
    }

    /// The group's own steps are of interest only when something is being looked for.
    private func quiet(_ logger: Logger) -> Logger {
        var logger = logger
        if logger.logLevel > .debug { logger.logLevel = max(logger.logLevel, .warning) }
        return logger
    }
}
