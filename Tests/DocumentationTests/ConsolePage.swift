import Foundation

/// A page of documentation: its console blocks, in order.
///
/// A block that begins with ```` ```console ```` holds commands, each behind `$ `, and below a command what it prints. A command
/// goes on in the next line behind a backslash, or while a quotation is open. Blocks in other languages are not run.
struct ConsolePage {
    /// A command and what the page says it prints.
    struct Step: Equatable {
        /// Where the command stands, from 1.
        let line: Int
        let command: String
        let expected: String
    }

    /// The path below the repository's folder.
    let name: String
    let steps: [Step]

    /// Reads a page of the repository.
    ///
    /// - Throws: what Foundation throws where the page cannot be read.
    init(named name: String) throws {
        self.init(name: name, text: try String(contentsOf: Repository.url(name), encoding: .utf8))
    }

    init(name: String, text: String) {
        self.name = name
        var steps: [Step] = []
        var isInside = false
        var open: (line: Int, command: String, expected: [String])?
        func close() {
            guard let step = open else { return }
            steps.append(Step(line: step.line, command: step.command, expected: step.expected.joined(separator: "\n")))
            open = nil
        }
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if line.hasPrefix("```") {
                close()
                isInside = line == "```console"
            } else if isInside {
                if let step = open, Self.continues(step.command) {
                    open?.command = step.command + "\n" + line
                } else if line.hasPrefix("$ ") {
                    close()
                    open = (index + 1, String(line.dropFirst(2)), [])
                } else {
                    open?.expected.append(String(line))
                }
            }
        }
        close()
        self.steps = steps
    }

    /// Whether a shell would ask for another line.
    private static func continues(_ command: String) -> Bool {
        if command.hasSuffix("\\") { return true }
        var quote: Character?
        for character in command where character == "'" || character == "\"" {
            if quote == nil { quote = character } else if quote == character { quote = nil }
        }
        return quote != nil
    }
}

/// The repository that the tests were built from.
enum Repository {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static func url(_ path: String) -> URL { root.appendingPathComponent(path) }

    /// Every page in Markdown that is not a fixture, by its path.
    static let pages: [String] = {
        let folders = ["docs", "weights", "deploy", "Benchmarks", "Examples", "Tests", ".github"]
        let top = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"]
        let nested = folders.flatMap { folder in
            (FileManager.default.enumerator(atPath: url(folder).path)?.allObjects ?? [])
                .compactMap { $0 as? String }.filter { $0.hasSuffix(".md") }.map { folder + "/" + $0 }
        }
        return (top + nested).filter { FileManager.default.fileExists(atPath: url($0).path) }.sorted()
    }()
}
