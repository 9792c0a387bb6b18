import ArgumentParser
import CMalloc
import Foundation
import Host
import Inference
import Logging
import Server
import ServiceLifecycle

/// `alexnet serve`: runs the server until SIGTERM or SIGINT.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve models over HTTP.",
        discussion: """
            Flags override environment variables (ALEXNET_SERVER_PORT), which override config/alexnet.yaml; that file \
            explains every key. The line "ready http://…" on standard output means that requests are accepted. Logs go to \
            standard error. SIGHUP reloads all models; SIGTERM answers the requests in flight and exits.
            """
    )

    @OptionGroup var options: ServingOptions

    func run() async throws {
        // The process must survive a closed log and a reload signal that arrives before the server is ready.
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
        // This check must come before the server starts its first thread.
        try CommandThreads.check(forPoolOf: settings.threads.total ?? CPUQuota.current)
        let log = LoggingSystem.bootstrap(settings.log)
        let logger = Logger(label: "alexnet")
        let stopSignal = StopSignal(limit: settings.server.drainTimeout) {
            logger.critical("not stopped within server.drain_timeout: ending all the same")
            Self.end(Failure.workCode, log: log)
        }
        ComputeEnvironment.warnings.forEach { logger.warning("\($0)") }
        let manager = ServiceManager()
        let service: ServingService
        do {
            service = try ServingService(
                settings: settings, files: options.source.files.map { [$0] }, precision: options.source.precision,
                listeningDescriptor: manager.listeningDescriptor(), log: log, logger: logger,
                announce: {
                    manager.ready()
                    Self.announce($0, logger)
                })
        } catch ModelStoreError.inaccessible(let error) {
            // A disk that cannot be read is not an error in the configuration.
            Self.end(Failure.workCode, ModelStoreError.inaccessible(error), log: log)
        } catch {
            Self.end(Failure.usageCode, ModelsDirectoryMistake(error) ?? error, log: log)
        }
        do {
            let group = ServiceGroup(
                configuration: ServiceGroupConfiguration(
                    services: [.init(service: service, successTerminationBehavior: .gracefullyShutdownGroup)],
                    logger: quiet(logger)))
            stopSignal.onRequest {
                manager.stopping()
                Task { await group.triggerGracefulShutdown() }
            }
            try await group.run()
        } catch {
            Self.end(Failure.workCode, error, log: log)
        }
        Self.end(0, log: log)
    }

    /// Prints that the server is ready. It uses its own thread, because the reader of standard output may be slow.
    private static func announce(_ url: String, _ logger: Logger) {
        Thread.detachNewThread {
            do {
                try OutputStream.output.write("ready \(url)\n")
            } catch {
                logger.warning("\(error)", metadata: ["url": "\(url)"])
            }
        }
    }

    /// Exits promptly, even if nobody reads the last lines of the log.
    ///
    /// It calls _exit(2): other threads may still load or compute, and the handlers of exit(3) would destroy objects
    /// that they use.
    private static func end(_ code: Int32, _ error: (any Error)? = nil, log: LogWriter? = nil) -> Never {
        log?.flush(within: Failure.serverPatience)
        if let error { OutputStream.error.writeIfPossible("alexnet: \(error)\n", within: Failure.serverPatience) }
        _exit(code)
    }

    /// Hides the service group's own messages, except at log level debug.
    private func quiet(_ logger: Logger) -> Logger {
        var logger = logger
        if logger.logLevel > .debug { logger.logLevel = max(logger.logLevel, .warning) }
        return logger
    }
}

/// Configures how the C library's heap treats large blocks.
enum HeapPolicy {
    /// Blocks of at least this size are mapped separately, and are returned to the system when they are freed. Units:
    /// bytes.
    private static let mappingThreshold: Int32 = 256 << 10

    /// Keeps occasional large requests from growing the heap of a process that runs for months.
    ///
    /// By default, glibc raises the threshold to the largest block that was ever freed, up to 32 MiB. Blocks below it
    /// then fragment the heap of each thread.
    /// - Source: mallopt(3), M_MMAP_THRESHOLD.
    static func returnLargeBlocks() {
        #if canImport(Glibc)
            mallopt(M_MMAP_THRESHOLD, mappingThreshold)
        #endif
    }
}

/// The path given as the models directory is a single model's folder or a file.
enum ModelsDirectoryMistake: Error, Equatable, CustomStringConvertible {
    case modelFolder(path: String, parent: String)
    case file(path: String)

    /// Explains an error of the model store; nil if it has another cause.
    init?(_ error: any Error) {
        switch error as? ModelStoreError {
        case .emptyDirectory(let path):
            let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
            guard names.contains(where: { Checkpoint.Format(suffixOf: $0) != nil }) else { return nil }
            let parent = URL(fileURLWithPath: path).standardizedFileURL.deletingLastPathComponent().path
            self = .modelFolder(path: path, parent: parent)
        case .noDirectory(let path) where FileManager.default.fileExists(atPath: path): self = .file(path: path)
        default: return nil
        }
    }

    var description: String {
        switch self {
        case .modelFolder(let path, let parent):
            "\(path) is a model folder itself; --models takes its parent directory: --models \(Train.quoted(parent))."
        case .file(let path):
            "\(path) is a file; --models takes a directory with one folder for each model, and --checkpoint takes a file."
        }
    }
}
