import Foundation
import Inference
import Server
import Testing

@testable import alexnet

/// Facts, and what follows from them.
struct Judgement: Sendable, CustomTestStringConvertible {
    let check: any Check
    let status: Finding.Status
    /// Stands in the finding's text.
    let excerpt: String

    init(_ status: Finding.Status, _ excerpt: String, _ check: any Check) {
        self.check = check
        self.status = status
        self.excerpt = excerpt
    }

    var testDescription: String { "\(status.rawValue): \(check)" }
}

@Suite(.timeLimit(.minutes(2))) struct CheckTests {
    private static let machine = [
        Judgement(.ok, "Xeon, avx512", ProcessorCheck(cpuName: "Xeon", current: .avx512, widest: .avx512, isX86: true)),
        Judgement(
            .ok, "N1, portable", ProcessorCheck(cpuName: "N1", current: .portable, widest: .portable, isX86: false)),
        Judgement(
            .warning, "avx2 is used although it has avx512. Unset ALEXNET_INSTRUCTIONS",
            ProcessorCheck(cpuName: "Xeon", current: .avx2, widest: .avx512, isX86: true)),
        Judgement(
            .warning, "without AVX2",
            ProcessorCheck(cpuName: "Atom", current: .portable, widest: .portable, isX86: true)),

        Judgement(
            .ok, "kernels for Zen",
            OpenBLASCheck(environment: ["OPENBLAS_NUM_THREADS": "4"], kernels: "Zen", widest: .avx2)),
        Judgement(.ok, "Nehalem", OpenBLASCheck(environment: [:], kernels: "Nehalem", widest: .portable)),
        Judgement(
            .warning, "kernels for Prescott, without AVX2. Training is slower",
            OpenBLASCheck(environment: [:], kernels: "Prescott", widest: .avx512)),
        Judgement(
            .warning, "OPENBLAS_CORETYPE=Haswell, kernels for Haswell. Unset OPENBLAS_CORETYPE unless",
            OpenBLASCheck(environment: ["OPENBLAS_CORETYPE": "Haswell"], kernels: "Haswell", widest: .avx512)),

        Judgement(.ok, "madvise", HugePagesCheck(text: "always [madvise] never\n")),
        Judgement(.ok, "always", HugePagesCheck(text: "[always] madvise never\n")),
        Judgement(.warning, "echo madvise", HugePagesCheck(text: "always madvise [never]\n")),
        Judgement(.warning, "not offered", HugePagesCheck(text: nil)),
        Judgement(.warning, "not offered", HugePagesCheck(text: "")),

        Judgement(.ok, "2026-01-01", ClockCheck(now: Date(timeIntervalSince1970: ClockCheck.earliest))),
        Judgement(.warning, "Set the", ClockCheck(now: Date(timeIntervalSince1970: ClockCheck.earliest - 1))),
        Judgement(.ok, "2099", ClockCheck(now: Date(timeIntervalSince1970: ClockCheck.latest - 1))),
        Judgement(.warning, "2100", ClockCheck(now: Date(timeIntervalSince1970: ClockCheck.latest))),

        Judgement(.ok, "avx2, off by 1e-04", ArithmeticCheck(instructions: .avx2, difference: 1e-4)),
        Judgement(.failed, "off by 2e-04", ArithmeticCheck(instructions: .avx2, difference: 2e-4)),
        Judgement(.failed, "inf", ArithmeticCheck(instructions: .portable, difference: .infinity)),

        Judgement(
            .ok, "libpng decodes as Pillow", CodecCheck(library: "libpng", expected: [1, 9], result: .success([1, 9]))),
        Judgement(
            .warning, "differs from Pillow by up to 4 of 255",
            CodecCheck(library: "libjpeg", expected: [1, 9], result: .success([5, 8]))),
        Judgement(
            .failed, "wrong pixels", CodecCheck(library: "libjpeg", expected: [1, 9], result: .success([6, 9]))),
        Judgement(.failed, "wrong pixels", CodecCheck(library: "libjpeg", expected: [1, 9], result: .success([1]))),
        Judgement(
            .failed, "Reinstall libwebp",
            CodecCheck(library: "libwebp", expected: [1], result: .failure(.truncated(format: .webp)))),
    ]

    private static let resources = [
        Judgement(
            .ok, "2 (cores 8, affinity mask 4, quota 2)",
            ThreadsCheck(total: nil, online: 8, allowed: 4, granted: 2)),
        Judgement(.ok, "4 (cores 8, affinity mask 4)", ThreadsCheck(total: nil, online: 8, allowed: 4, granted: nil)),
        Judgement(.ok, "2 (cores 8", ThreadsCheck(total: 2, online: 8, allowed: 4, granted: 2)),
        Judgement(.warning, "auto or 2", ThreadsCheck(total: 3, online: 8, allowed: 4, granted: 2)),
        Judgement(.warning, "auto or 4", ThreadsCheck(total: 5, online: 8, allowed: 4, granted: nil)),

        Judgement(.ok, "unlimited", OpenFilesCheck(limit: .max, maxConnections: 1_000_000)),
        Judgement(.ok, "1216, for 1024", OpenFilesCheck(limit: 1216, maxConnections: 1024)),
        Judgement(.warning, "ulimit -Hn 1216", OpenFilesCheck(limit: 1215, maxConnections: 1024)),
        Judgement(.warning, "193, for", OpenFilesCheck(limit: OpenFilesCheck.reserve + 1, maxConnections: 1024)),
        Judgement(.failed, "192, for", OpenFilesCheck(limit: OpenFilesCheck.reserve, maxConnections: 1024)),

        Judgement(
            .ok, "250 MiB available, models need 150 MiB, requests up to 100 MiB",
            MemoryCheck(available: 250 << 20, checkpoints: 100 << 20, requests: 100 << 20)),
        Judgement(
            .warning, "Provide 250 MiB",
            MemoryCheck(available: 250 << 20 - 1, checkpoints: 100 << 20, requests: 100 << 20)),
        Judgement(.warning, "Provide", MemoryCheck(available: 150 << 20, checkpoints: 100 << 20, requests: 100 << 20)),
        Judgement(
            .failed, "Provide at least 150 MiB",
            MemoryCheck(available: 150 << 20 - 1, checkpoints: 100 << 20, requests: 100 << 20)),
        Judgement(.warning, "unknown, models need", MemoryCheck(available: nil, checkpoints: 1, requests: 1)),

        Judgement(.ok, "127.0.0.1:80 is free", PortCheck(wanted: "127.0.0.1:80", refusal: nil)),
        Judgement(.failed, "::1 80. It is taken.", PortCheck(wanted: "::1 80", refusal: "It is taken.")),
    ]

    private static let files = [
        Judgement(.ok, "there is no config/", ConfigurationCheck(path: nil, result: .success(Settings()))),
        Judgement(.ok, "c.yaml", ConfigurationCheck(path: "c.yaml", result: .success(Settings()))),
        Judgement(
            .failed, "c.yaml. Correct it: the configuration file c.yaml cannot be read: gone.",
            ConfigurationCheck(path: "c.yaml", result: .failure(.unreadableFile(path: "c.yaml", reason: "gone")))),

        Judgement(.ok, "/c", TuningCacheCheck(directory: "/c", isWritable: true, isUsed: true)),
        Judgement(.ok, "not used", TuningCacheCheck(directory: nil, isWritable: false, isUsed: false)),
        Judgement(.warning, "HOME", TuningCacheCheck(directory: nil, isWritable: false, isUsed: true)),
        Judgement(
            .warning, "/c cannot be written", TuningCacheCheck(directory: "/c", isWritable: false, isUsed: true)),

        Judgement(.ok, "/t", AdminTokenCheck(path: "/t", refusal: nil, permissions: 0o640)),
        Judgement(.warning, "chmod o-r /t", AdminTokenCheck(path: "/t", refusal: nil, permissions: 0o644)),
        Judgement(.failed, "/t. Too short.", AdminTokenCheck(path: "/t", refusal: "Too short.", permissions: 0o600)),

        Judgement(.ok, "m holds a", models(["a"])),
        Judgement(.ok, "m holds a, b", models(["b", "a"], default: "b")),
        Judgement(.warning, "folders without a model: x, y. Add", models(["a"], others: ["x", "y"])),
        Judgement(.warning, "4, 5 and 1 more", models(["a"], others: (1...6).map { "\($0)" })),
        Judgement(
            .warning, "cannot be read: lost+found. Make them readable",
            ModelFolderCheck(
                directory: "m", result: .success([ModelFiles(checkpoint: "a.pth", classes: nil)]), defaultModel: nil,
                others: ["x"], unseen: ["lost+found"])),
        Judgement(.failed, "the models are a.", models(["a"], default: "c")),
        Judgement(
            .failed, "There is no directory m",
            ModelFolderCheck(
                directory: "m", result: .failure(.noDirectory(path: "m")), defaultModel: nil, others: [])),

        Judgement(
            .ok, "a, alexnet in float16 with 3 classes, loaded and run in 0.3 s",
            ModelCheck(
                name: "a",
                outcome: .loaded(
                    architecture: "alexnet", precision: "float16", classCount: 3, duration: .milliseconds(300)))),
        Judgement(.warning, "Free 151 MiB", ModelCheck(name: "a", outcome: .tooLarge(need: 150 << 20))),
        Judgement(.failed, "a. No weights.", ModelCheck(name: "a", outcome: .refused("No weights."))),
    ]

    private static func models(
        _ names: [String], default defaultModel: String? = nil, others: [String] = []
    ) -> ModelFolderCheck {
        ModelFolderCheck(
            directory: "m", result: .success(names.map { ModelFiles(checkpoint: $0 + ".pth", classes: nil) }),
            defaultModel: defaultModel, others: others)
    }

    @Test(arguments: machine + resources + files)
    func `each check tells ok from warning and from failed`(_ judgement: Judgement) {
        let finding = judgement.check.finding
        #expect(finding.status == judgement.status)
        #expect(finding.line.contains(judgement.excerpt), "\(finding.line)")
        #expect((finding.advice == nil) == (judgement.status == .ok))
    }
}
