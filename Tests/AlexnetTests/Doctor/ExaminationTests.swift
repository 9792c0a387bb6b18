import Foundation
import Host
import Inference
import ModelTestSupport
import TestSupport
import Testing

@testable import alexnet

@Suite("An examination")
struct ExaminationTests {
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
        try Examination(config: home.config, flags: flags, files: files, environment: environment)() {
            findings.append($0)
        }
        return findings
    }

    private func openDescriptors() -> Int? {
        try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
    }

    @Test("The shipped weights are fit to serve here, nothing is written and nothing stays open")
    func shippedWeights() throws {
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
        #expect(findings.filter { $0.check == "pictures" && $0.status == .ok }.count == 3)
        #expect(InstructionSet.current == .widest)
    }

    @Test("Each folder's model is told about, and what is wrong with it")
    func brokenModel() throws {
        let home = try Home("admin:\n  token_file: \(FileManager.default.temporaryDirectory.path)/no-such-token\n")
        let model = try TinyModel(classCount: 3)
        try model.write("class_indices.json", #"["one", "two"]"#)
        let directory = model.folder.deletingLastPathComponent().path
        let findings = try examine(home, flags: ["models.directory": directory, "server.port": "0"])
        #expect(findings.filter { $0.status == .failed }.map(\.check) == ["admin token", "model"])
        #expect(findings.last?.advice?.contains("class_indices.json") == true)
    }

    @Test("A checkpoint alone is looked at in place of the folders")
    func checkpoint() throws {
        let home = try Home()
        let model = try TinyModel()
        let files = ModelFiles(checkpoint: model.path("model.safetensors"), classes: nil)
        let findings = try examine(
            home, flags: ["models.directory": "/no/such/folder", "server.port": "0"], files: files)
        #expect(findings.first { $0.check == "models" } == .ok("models", "model"))
        #expect(findings.last?.status == .ok)
    }

    @Test("Without a configuration the machine is examined all the same, and nothing is guessed")
    func badConfiguration() throws {
        let findings = try examine(try Home("server:\n  prot: 80\n"), flags: [:])
        #expect(findings.last?.check == "configuration")
        #expect(findings.last?.advice?.contains("did you mean server.port?") == true)
        #expect(findings.count > 5)
    }

    @Test("A port that is taken is told in the server's own sentence")
    func portInUse() throws {
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

    @Test("A cache folder that cannot be made is told, and not tried")
    func unwritableCache() throws {
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
