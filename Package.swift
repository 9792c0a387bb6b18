// swift-tools-version: 6.2
import PackageDescription

/// C reads strangers' bytes: what overruns the stack or a buffer of known size ends the process instead of going on.
///
/// - Parameter level: 3 also checks buffers whose size is known only when it runs, which costs vectorised loops a quarter more code.
func hardenedC(level: Int) -> [CSetting] {
    [.unsafeFlags(["-fstack-protector-strong", "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=\(level)"])]
}

/// The program's tables of functions are filled at the start and read-only from then on, and no stack is code; that it can be put
/// at any address is Swift's default. Sources/alexnet is the one that is linked, and the tests are with it.
let hardenedLink: [LinkerSetting] = [
    .unsafeFlags(
        ["relro", "now", "noexecstack"].flatMap { ["-Xlinker", "-z", "-Xlinker", $0] }, .when(platforms: [.linux]))
]

/// The inner loops are always optimised: a debug build still has to run a whole network in the tests.
let optimisedC: [CSetting] = [.unsafeFlags(["-O3", "-fno-math-errno", "-fno-trapping-math"])]
let optimisedSwift: [SwiftSetting] = [.unsafeFlags(["-O"], .when(configuration: .debug))]

let package = Package(
    name: "alexnet",
    products: [
        .executable(name: "alexnet", targets: ["alexnet"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-algorithms", from: "1.2.0"),
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
            cSettings: optimisedC + hardenedC(level: 3),
            linkerSettings: [
                .linkedLibrary("jpeg"), .linkedLibrary("png"), .linkedLibrary("webp"), .linkedLibrary("webpdemux"),
                .linkedLibrary("z"),
            ]
        ),
        .target(name: "CKernels", cSettings: optimisedC + hardenedC(level: 2)),
        // Runs before any library is initialised.
        .target(name: "CStartup"),

        // Leaves, which everything may use: bytes in files and JSON; threads and time; what this machine can do.
        .target(name: "Files", dependencies: ["COpenSSL", "CZlib"], swiftSettings: optimisedSwift),
        .target(
            name: "Threads",
            dependencies: ["CLinux", .product(name: "DequeModule", package: "swift-collections")],
            swiftSettings: optimisedSwift
        ),
        .target(name: "Host", dependencies: ["CKernels", "Files"]),

        // An image or a tensor in, probabilities out; knows no socket.
        .target(
            name: "Inference",
            dependencies: [
                "CImageCodecs", "CKernels", "COpenBLAS", "CZlib", "Files", "Host", "Threads",
                .product(name: "Algorithms", package: "swift-algorithms"),
            ],
            swiftSettings: optimisedSwift
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
                "Files", "HTTPServer", "Host", "Inference", "Threads",
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "Yams", package: "Yams"),
            ],
            resources: [.embedInCode("Routes/openapi.json")]
        ),

        // Gradients, optimisers, data sets, the training loop.
        .target(
            name: "Training",
            dependencies: ["CKernels", "Files", "Inference", "Threads"],
            swiftSettings: optimisedSwift
        ),

        .executableTarget(
            name: "alexnet",
            dependencies: [
                "CLinux", "CMalloc", "CStartup", "Files", "Host", "Inference", "Server", "Threads", "Training",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            linkerSettings: hardenedLink
        ),

        // What several test targets need.
        .target(name: "TestSupport", dependencies: ["CZlib"], path: "Tests/TestSupport"),
        .target(name: "ModelTestSupport", dependencies: ["Files", "Inference", "TestSupport"], path: "Tests/ModelTestSupport"),
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
            exclude: ["Fixtures"], swiftSettings: optimisedSwift),
        .testTarget(name: "HTTPServerTests", dependencies: ["HTTPServer", "TestSupport"]),
        .testTarget(
            name: "ServerTests",
            dependencies: [
                "ModelTestSupport", "Server", "TestSupport",
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "ServiceLifecycleTestKit", package: "swift-service-lifecycle"),
            ]
        ),
        .testTarget(name: "AlexnetTests", dependencies: ["ModelTestSupport", "TestSupport", "alexnet"]),
        .testTarget(name: "DocumentationTests", dependencies: ["TestSupport", "alexnet", "Classify", "Hello"]),

        // Built with the tests, which run them; `make run` leaves them out.
        .executableTarget(name: "Classify", dependencies: ["Inference"], path: "Examples/Classify"),
        .executableTarget(
            name: "Hello", dependencies: ["HTTPServer", .product(name: "Logging", package: "swift-log")],
            path: "Examples/Hello"),
    ],
    swiftLanguageModes: [.v6]
)
