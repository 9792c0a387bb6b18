import ArgumentParser
import Foundation
import Host
import Inference
import ModelTestSupport
import TestSupport
import Testing

@testable import alexnet

@Suite(.timeLimit(.minutes(5))) struct DiagnosticsTests {
    /// A home that nothing may be written to, with an empty configuration.
    private final class Home {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("home-\(UUID().uuidString)")
        var config: String { url.appendingPathComponent("alexnet.yaml").path }

        init(_ yaml: String = "") throws {
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
            try Data(yaml.utf8).write(to: URL(fileURLWithPath: config))
        }

        deinit { try? FileManager.default.removeItem(at: url) }

        var names: [String] { (try? FileManager.default.subpathsOfDirectory(atPath: url.path)) ?? [] }
    }

    private func examine(
        _ home: Home, flags: [String: String], files: ModelFiles? = nil, environment: [String: String] = [:]
    ) throws -> [Finding] {
        var findings: [Finding] = []
        let environment = environment.merging(["HOME": home.url.path]) { $1 }
        try Diagnostics(config: home.config, flags: flags, files: files, environment: environment)() {
            findings.append($0)
        }
        return findings
    }

    private func openDescriptors() -> Int? {
        try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
    }

    @Test func `the shipped weights are fit to serve here, nothing is written and nothing stays open`() throws {
        let home = try Home()
        let weights = URL(filePath: #filePath).appending(path: "../../../../weights").standardizedFileURL.path
        let flags = ["models.directory": weights, "server.port": "0"]
        // What the process opens once for good is open after the first time.
        _ = try examine(home, flags: flags)
        let before = openDescriptors()
        let findings = try examine(home, flags: flags)
        #expect(openDescriptors() == before)
        #expect(home.names == ["alexnet.yaml"])
        #expect(findings.filter { $0.status == .failed }.isEmpty, "\(findings)")
        let model = findings.last
        #expect(model?.check == "model")
        #expect(model?.found.hasPrefix("fashion-mnist, alexnet_half_width in float32 with 10 classes, loaded") == true)
        let sets = InstructionSet.allCases.prefix { $0 != .widest }.count + 1
        #expect(findings.filter { $0.check == "arithmetic" && $0.status == .ok }.count == sets)
        #expect(findings.filter { $0.check == "images" && $0.status == .ok }.count == 3)
        #expect(InstructionSet.current == .widest)
    }

    @Test func `each folder's model is told about, and what is wrong with it`() throws {
        let home = try Home("admin:\n  token_file: \(FileManager.default.temporaryDirectory.path)/no-such-token\n")
        let model = try TinyModel(classCount: 3)
        try model.write("class_indices.json", #"["one", "two"]"#)
        let directory = model.folder.deletingLastPathComponent().path
        let findings = try examine(home, flags: ["models.directory": directory, "server.port": "0"])
        #expect(findings.filter { $0.status == .failed }.map(\.check) == ["admin token", "model"])
        #expect(findings.last?.advice?.contains("class_indices.json") == true)
    }

    @Test func `a checkpoint alone is looked at in place of the folders`() throws {
        let home = try Home()
        let model = try TinyModel()
        let files = ModelFiles(checkpoint: model.path("model.safetensors"), classes: nil)
        let findings = try examine(
            home, flags: ["models.directory": "/no/such/folder", "server.port": "0"], files: files)
        #expect(findings.first { $0.check == "models" } == .ok("models", "model"))
        #expect(findings.last?.status == .ok)
    }

    @Test func `without a configuration the machine is examined all the same, and nothing is guessed`() throws {
        let findings = try examine(try Home("server:\n  prot: 80\n"), flags: [:])
        #expect(findings.last?.check == "configuration")
        #expect(findings.last?.advice?.contains("did you mean server.port?") == true)
        #expect(findings.count > 5)
    }

    @Test func `a port that is taken is told in the server's own sentence`() throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 1) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        try #require(isBound)
        let port = "\(UInt16(bigEndian: address.sin_port))"
        let model = try TinyModel()
        let directory = model.folder.deletingLastPathComponent().path
        let findings = try examine(try Home(), flags: ["models.directory": directory, "server.port": port])
        let finding = findings.first { $0.check == "port" }
        #expect(finding?.status == .failed)
        #expect(finding?.advice?.contains("in use by another program") == true)
    }

    @Test func `a cache folder that cannot be made is told, and not tried`() throws {
        let home = try Home()
        let model = try TinyModel()
        let findings = try examine(
            home,
            flags: [
                "models.directory": model.folder.deletingLastPathComponent().path, "server.port": "0",
                "models.tuning_cache": home.config + "/below-a-file",
            ])
        #expect(findings.first { $0.check == "tuning cache" }?.status == .warning)
        #expect(home.names == ["alexnet.yaml"])
    }
}

@Suite(.timeLimit(.minutes(2))) struct FindingTests {
    @Test func `a line holds status, check, what was found and what to do`() {
        #expect(Finding.ok("port", "free").line == "ok       port              free")
        #expect(
            Finding.failed("open files", "64", advice: "Raise it.").line == "failed   open files        64. Raise it.")
    }

    @Test func `a file's name cannot begin a line of its own`() {
        #expect(Finding.ok("models", "a\nfailed\u{1B}[1m").line.hasSuffix("a?failed?[1m"))
    }

    @Test func `as JSON it is one object in one line`() {
        #expect(Finding.ok("port", "a/b \"c\"\n").json == #"{"check":"port","found":"a/b \"c\"\n","status":"ok"}"#)
        #expect(
            Finding.warning("clock", "1970", advice: "Set it.").json
                == #"{"advice":"Set it.","check":"clock","found":"1970","status":"warning"}"#)
    }

    @Test func `only a failure ends the command with 1`() {
        let (ok, warning) = (Finding.ok("a", "b"), Finding.warning("a", "b", advice: "c"))
        #expect(Doctor.exitCode(for: []) == nil)
        #expect(Doctor.exitCode(for: [ok, warning]) == nil)
        #expect(Doctor.exitCode(for: [ok, .failed("a", "b", advice: "c"), warning]) == ExitCode(1))
    }
}

/// `alexnet doctor` as a process of its own.
@Suite(.timeLimit(.minutes(2))) struct DoctorCommandTests {
    private func doctor(_ arguments: String...) async throws -> BuiltProgram.Run {
        try await BuiltProgram.run(["doctor", "--port", "0"] + arguments)
    }

    @Test func `a machine that can serve ends it with 0, one line for each check`() async throws {
        let tiny = try TinyModel()
        let models = tiny.folder.deletingLastPathComponent().path
        let run = try await doctor("--models", models)
        #expect(run.code == 0, "\(run.output)")
        let lines = run.output.split(separator: "\n")
        #expect(lines.allSatisfy { $0.hasPrefix("ok ") || $0.hasPrefix("warning ") })
        #expect(lines.last?.contains("tiny, alexnet in float32 with 3 classes, loaded and run in ") == true)
        // As wide as the CPU, also where OpenBLAS does not know it.
        #expect(lines.contains { $0.hasPrefix("ok       openblas          kernels for ") })

        let json = try await doctor("--models", models, "--json")
        #expect(json.code == 0)
        let checks = try json.output.split(separator: "\n").map { line in
            let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String])
            #expect((object["advice"] == nil) == (object["status"] == "ok"))
            return try #require(object["check"])
        }
        #expect(checks.count == lines.count)
        #expect(checks.first == "processor" && checks.last == "model")
    }

    @Test func `a configuration that cannot be read, and a model without classes, end it with 1`() async throws {
        let missing = try await doctor("--config", "none.yaml")
        #expect(missing.code == 1)
        #expect(missing.output.split(separator: "\n").last?.hasPrefix("failed   configuration     none.yaml. ") == true)
        let tiny = try TinyModel()
        try tiny.remove("class_indices.json")
        let run = try await doctor("--models", tiny.folder.deletingLastPathComponent().path)
        #expect(run.code == 1)
        #expect(run.output.split(separator: "\n").last?.hasPrefix("failed   model             tiny. ") == true)
    }

    @Test func `a wrong flag ends it with 2`() async throws {
        #expect(try await doctor("--prot", "80").code == 2)
    }
}
