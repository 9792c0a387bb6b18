import ArgumentParser
import CMalloc
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
            explains every key. The line "ready http://…" on standard output says when images can be sent; logs go to \
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

/// How the C library's heap deals with large blocks.
enum HeapPolicy {
    /// From this size on a block is mapped by itself and goes back to the system when it is freed. Units: bytes.
    private static let mappingThreshold: Int32 = 256 << 10

    /// Keeps the heap of a process that runs for months from growing with the odd large request.
    ///
    /// By itself glibc raises the threshold to the largest block that was ever freed, up to 32 MiB; from then on such blocks
    /// leave holes in the heap of each thread.
    /// - Source: mallopt(3), M_MMAP_THRESHOLD.
    static func returnLargeBlocks() {
        #if canImport(Glibc)
            mallopt(M_MMAP_THRESHOLD, mappingThreshold)
        #endif
    }
}

/// What was given as the directory of all models is one model, or a file.
enum ModelsDirectoryMistake: Error, Equatable, CustomStringConvertible {
    case modelFolder(path: String, parent: String)
    case file(path: String)

    /// Looks whether one of these is behind an error of the store's; nil where not.
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
            "\(path) is a model folder itself; name the directory that it lies in: --models \(Train.quoted(parent))."
        case .file(let path):
            "\(path) is a file; --models names a directory with one folder a model, and --checkpoint a file."
        }
    }
}
