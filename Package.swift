// swift-tools-version: 6.2
import PackageDescription

/// C reads strangers' bytes: it checks the sizes of its buffers as it runs, and ends instead of going on. Only optimised code can do
/// that, so the level is an expression.
///
/// What a manifest may not say, so that the package can be another's dependency, stands in config/toolsets, which `make` uses: the
/// kernels at -O3, guarded stacks, tables of functions that are read-only, and optimised tests.
///
/// - Parameter level: 3 also checks buffers whose size is known only as it runs, which costs vectorised loops a quarter more code.
func fortifiedC(level: Int) -> [CSetting] { [.define("_FORTIFY_SOURCE", to: "(__OPTIMIZE__+0?\(level):0)")] }

let package = Package(
    name: "alexnet",
    products: [
        .executable(name: "alexnet", targets: ["alexnet"]),
        .library(name: "HTTPServer", targets: ["HTTPServer"]),
        .library(name: "Inference", targets: ["Inference"]),
        .library(name: "Training", targets: ["Training"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.3.0"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.0.0", traits: ["YAML"]),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.4.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.8.0"),
    ],
    targets: [
        // System libraries: a module map and a shim header each.
        .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CMalloc"),
        .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

        // C of our own.
        .target(
            name: "CImageCodecs",
            cSettings: fortifiedC(level: 3),
            linkerSettings: [
                .linkedLibrary("jpeg"), .linkedLibrary("png"), .linkedLibrary("webp"), .linkedLibrary("webpdemux"),
                .linkedLibrary("z"),
            ]
        ),
        .target(name: "CKernels", cSettings: fortifiedC(level: 2)),
        // Files that are part of the program.
        .target(name: "CResources", exclude: ["openapi.json", "page"]),
        // Runs before any library is initialised.
        .target(name: "CStartup"),

        // Leaves, which everything may use: bytes in files and JSON; threads and time; what this machine can do.
        .target(name: "Files", dependencies: ["COpenSSL", "CZlib"]),
        .target(
            name: "Threads",
            dependencies: ["CLinux", .product(name: "DequeModule", package: "swift-collections")]
        ),
        .target(name: "Host", dependencies: ["CKernels", "Files"]),

        // An image or a tensor in, probabilities out; knows no socket.
        .target(
            name: "Inference",
            dependencies: [
                "CImageCodecs", "CKernels", "COpenBLAS", "CZlib", "Files", "Host", "Threads",
                .product(name: "HeapModule", package: "swift-collections"),
            ]
        ),

        // Bytes in, Request out; Response in, bytes out; knows no tensor.
        .target(
            name: "HTTPServer",
            dependencies: [
                "CLinux", "CZlib", "Files", "Host", "Threads",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HeapModule", package: "swift-collections"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
            ]
        ),

        // Joins the two.
        .target(
            name: "Server",
            dependencies: [
                "CResources", "Files", "HTTPServer", "Host", "Inference", "Threads",
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "Yams", package: "Yams"),
            ]
        ),

        // Gradients, optimisers, data sets, the training loop.
        .target(
            name: "Training",
            dependencies: ["CKernels", "Files", "Inference", "Threads"]
        ),

        .executableTarget(
            name: "alexnet",
            dependencies: [
                "CLinux", "CMalloc", "CStartup", "Files", "Host", "Inference", "Server", "Threads", "Training",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]
        ),

        // What several test targets need.
        .target(name: "TestSupport", dependencies: ["CZlib", "Files"], path: "Tests/TestSupport"),
        .target(
            name: "ModelTestSupport", dependencies: ["Files", "Inference", "TestSupport"],
            path: "Tests/ModelTestSupport"),
        .target(name: "CJPEGWriter", path: "Tests/CJPEGWriter", linkerSettings: [.linkedLibrary("jpeg")]),
        .testTarget(name: "FilesTests", dependencies: ["Files", "TestSupport"]),
        .testTarget(name: "ThreadsTests", dependencies: ["TestSupport", "Threads"]),
        .testTarget(name: "HostTests", dependencies: ["Host"]),
        .testTarget(
            name: "InferenceTests",
            dependencies: ["CJPEGWriter", "CKernels", "Inference", "ModelTestSupport", "TestSupport"],
            exclude: ["Fixtures"]),
        .testTarget(
            name: "TrainingTests",
            dependencies: ["CKernels", "CZlib", "Inference", "ModelTestSupport", "TestSupport", "Training"],
            exclude: ["Fixtures"]),
        .target(
            name: "HTTPServerTestSupport", dependencies: ["HTTPServer"], path: "Tests/HTTPServerTestSupport"),
        .testTarget(name: "HTTPServerTests", dependencies: ["HTTPServer", "HTTPServerTestSupport", "TestSupport"]),
        .testTarget(
            name: "ServerTests",
            dependencies: [
                "ModelTestSupport", "Server", "TestSupport",
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "ServiceLifecycleTestKit", package: "swift-service-lifecycle"),
            ]
        ),
        .testTarget(name: "AlexnetTests", dependencies: ["HTTPServer", "ModelTestSupport", "TestSupport", "alexnet"]),
        .testTarget(name: "DocumentationTests", dependencies: ["TestSupport", "alexnet", "Classify", "Hello"]),

        // Built with the tests, which run them; `make run` leaves them out.
        .executableTarget(name: "Classify", dependencies: ["Inference"], path: "Examples/Classify"),
        .executableTarget(
            name: "Hello", dependencies: ["HTTPServer", .product(name: "Logging", package: "swift-log")],
            path: "Examples/Hello"),
    ],
    swiftLanguageModes: [.v6]
)

// `make simulate` asks for it: it sees what the modules keep to themselves, which only a build for tests allows.
if Context.environment["ALEXNET_SIMULATION"] != nil {
    package.targets.append(
        .executableTarget(
            name: "Simulation",
            dependencies: [
                "Files", "HTTPServer", "Inference", "ModelTestSupport", "Server", "TestSupport", "Threads",
                .product(name: "HeapModule", package: "swift-collections"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Tests/Simulation", exclude: ["README.md"]))
}

// `make sanitize` and `make fuzz` say where libFuzzer is. A manifest that others depend on may hold no such flags.
if let libFuzzer = Context.environment["ALEXNET_LIBFUZZER"] {
    package.targets.append(
        .executableTarget(
            name: "Fuzzing",
            dependencies: ["Files", "HTTPServer", "HTTPServerTestSupport", "Inference", "Server"],
            path: "Tests/Fuzzing",
            exclude: ["Found", "README.md", "Seeds", "run.py"],
            linkerSettings: [.unsafeFlags([libFuzzer]), .linkedLibrary("stdc++")]))
    for target in package.targets where target.name == "CImageCodecs" {
        target.cSettings?.append(
            .unsafeFlags([
                "-fsanitize=undefined", "-fno-sanitize-recover=undefined",
                "-fsanitize-coverage=inline-8bit-counters,pc-table,trace-cmp",
            ]))
    }
}
