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

    @OptionGroup var options: ServingOptions

    func run() async throws {
        // A log that nobody reads any more must not end the server, nor a reload that is asked for before it is ready.
        signal(SIGPIPE, SIG_IGN)
        signal(SIGHUP, SIG_IGN)
        HeapPolicy.returnLargeBlocks()
        let settings: Settings
        do {
            settings = try Settings.load(
                file: options.config, environment: ProcessInfo.processInfo.environment, flags: options.flags)
        } catch {
            throw Failure.usage(error)
        }
        LoggingSystem.bootstrap(settings.log)
        let logger = Logger(label: "alexnet")
        ComputeEnvironment.warnings.forEach { logger.warning("\($0)") }
        try CommandThreads.check(forPoolOf: settings.threads.total ?? CPUQuota.current)
        let service: ServingService
        do {
            service = try ServingService(
                settings: settings, files: options.source.files.map { [$0] }, precision: options.source.precision,
                logger: logger
            ) { url in
                do {
                    try OutputStream.output.write("ready \(url)\n")
                } catch {
                    logger.warning("\(error)", metadata: ["url": "\(url)"])
                }
            }
        } catch ModelStoreError.cannotLook(let error) {
            // Nothing is known against the configuration.
            throw Failure.work(ModelStoreError.cannotLook(error))
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
