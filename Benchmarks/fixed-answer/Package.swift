// swift-tools-version: 6.2
import PackageDescription

/// A server that answers every request alike, so that its pollers can be measured side by side: `Benchmarks/run pollers`.
let package = Package(
    name: "fixed-answer",
    dependencies: [
        .package(name: "alexnet", path: "../.."),
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
    ],
    targets: [
        .executableTarget(
            name: "FixedAnswer",
            dependencies: [
                .product(name: "HTTPServer", package: "alexnet"),
                .product(name: "Logging", package: "swift-log"),
            ])
    ],
    swiftLanguageModes: [.v6]
)
