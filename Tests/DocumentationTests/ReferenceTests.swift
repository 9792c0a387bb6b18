import Foundation
import Testing

/// The reference pages beside what they describe.
@Suite("The reference")
struct ReferenceTests {
    @Test("of the configuration has a row for each key of config/alexnet.yaml, with its default")
    func configuration() throws {
        let page = try String(contentsOf: Repository.url("docs/reference/configuration.md"), encoding: .utf8)
        let file = try String(contentsOf: Repository.url("config/alexnet.yaml"), encoding: .utf8)
        var section = ""
        var rows: [String] = []
        for line in file.split(separator: "\n") where !line.drop(while: { $0 == " " }).hasPrefix("#") {
            let parts = line.split(separator: ":", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
            guard line.hasPrefix(" ") else {
                section = parts[0]
                continue
            }
            let value = parts[1] == "\"\"" ? "empty" : "`\(parts[1])`"
            rows.append("| `\(section).\(parts[0])` | \(value) |")
        }
        #expect(rows.count > 30)
        for row in rows { #expect(page.contains(row), "docs/reference/configuration.md has no \(row)") }
        #expect(page.matches(of: /(?m)^\| `[a-z_]+\.[a-z_]+` \|/).count == rows.count)
    }

    @Test("of the command line names each subcommand and each flag")
    func commandLine() throws {
        let page = try String(contentsOf: Repository.url("docs/reference/command-line.md"), encoding: .utf8)
        let programs = try #require(BuiltPrograms.folder)
        let commands = Self.output(programs + "/alexnet", ["--help"]).matches(of: /(?m)^  ([a-z]+) {2,}\S/)
            .map { String($0.output.1) }.filter { $0 != "help" && $0 != "alexnet" }
        #expect(commands.count >= 8)
        for command in commands {
            let section = page.components(separatedBy: "\n## ").first { $0.hasPrefix("alexnet \(command)\n") }
            guard let section else {
                Issue.record("docs/reference/command-line.md has no section for \(command)")
                continue
            }
            let help = Self.output(programs + "/alexnet", [command, "--help"])
            let flags = Set(help.matches(of: /(?m)^  (?:-[a-z], )?(--[a-z0-9-]+)/).map { String($0.output.1) })
                .subtracting(["--help", "--version"])
            for flag in flags {
                // Flags that serve and doctor have in common, and those that name a model, stand in one place.
                #expect(
                    section.contains("`\(flag)") || Self.shared(page).contains("`\(flag)"),
                    "\(command) has a flag \(flag) that the page does not name")
            }
        }
    }

    private static func shared(_ page: String) -> String {
        page.components(separatedBy: "\n## ").filter { $0.hasPrefix("Which model") || $0.hasPrefix("alexnet serve") }
            .joined()
    }

    private static func output(_ program: String, _ arguments: [String]) -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["timeout", "20", program] + arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        guard (try? process.run()) != nil else { return "" }
        let bytes = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return String(decoding: bytes, as: UTF8.self)
    }
}
