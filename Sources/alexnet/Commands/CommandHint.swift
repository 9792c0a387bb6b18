import ArgumentParser
import Foundation
import Server

/// Suggests a subcommand if the command line does not begin with one.
enum CommandHint {
    /// The names that other programs use for the subcommands.
    private static let synonyms = [
        "server": "serve", "start": "serve", "up": "serve", "host": "serve", "daemon": "serve",
        "classify": "predict", "infer": "predict", "inference": "predict", "image": "predict", "fit": "train",
        "learn": "train", "finetune": "train", "fine-tune": "train", "eval": "evaluate", "test": "evaluate",
        "validate": "evaluate", "val": "evaluate", "score": "evaluate", "info": "inspect", "show": "inspect",
        "summary": "inspect", "describe": "inspect", "export": "convert", "benchmark": "bench", "check": "doctor",
        "diagnose": "doctor", "list": "ls", "models": "ls", "status": "ps", "kill": "stop", "down": "stop",
        "ready": "health",
        "ping": "health", "healthcheck": "health",
    ]

    /// A suggestion for arguments that do not begin with a subcommand; nil if they do, or if the parser has a better
    /// answer.
    static func sentence(for arguments: [String]) -> String? {
        guard let first = arguments.first, !first.isEmpty, !isKnown(first) else { return nil }
        let rest = arguments.dropFirst()
        if first.hasPrefix("-") {
            let option = String(first.prefix { $0 != "=" })
            if let name = subcommand(like: String(option.drop { $0 == "-" })) {
                return "Subcommands are written without dashes; did you mean 'alexnet \(name)'?"
            }
            let owners = commands.filter { words(of: $0).contains(option) }.map(name(of:))
            guard !owners.isEmpty else { return nil }
            return "\(option) comes after a subcommand: "
                + owners.map { "'alexnet \($0) \(option)'" }.joined(separator: " or ") + "."
        }
        if let name = subcommand(like: first) {
            return "There is no subcommand '\(first)'; did you mean '\(line(name, rest))'?"
        }
        if let name = command(for: first) {
            return "'\(first)' is not a subcommand; did you mean '\(line(name, [first]))'?"
        }
        return "There is no subcommand '\(first)'. The subcommands are \(names.joined(separator: ", "))."
    }

    private static var commands: [any ParsableCommand.Type] { Alexnet.configuration.subcommands }

    private static var names: [String] { commands.map(name(of:)) }

    /// The subcommand's name. By default the parser uses the type's name in lower case.
    private static func name(of command: any ParsableCommand.Type) -> String {
        command.configuration.commandName ?? String(describing: command).lowercased()
    }

    /// Whether a word is a subcommand, or an option that the parser handles itself.
    private static func isKnown(_ word: String) -> Bool {
        names.contains(word) || ["help", "-h", "--help", "-help", "--version"].contains(word)
            || word.hasPrefix("--generate-completion-script") || word.hasPrefix("--experimental-dump-help")
            || word == "---completion"
    }

    private static func subcommand(like word: String) -> String? {
        let word = word.lowercased()
        if names.contains(word) { return word }
        if let name = synonyms[word] { return name }
        return word.count > 2 ? NearestName.of(word, among: names) : nil
    }

    /// The subcommand for a file or folder that is the only argument.
    private static func command(for path: String) -> String? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        let suffix = URL(fileURLWithPath: path).pathExtension.lowercased()
        return ["pth", "pt", "safetensors", "npz", "npy"].contains(suffix) ? "inspect" : "predict"
    }

    private static func line(_ name: String, _ rest: some Sequence<String>) -> String {
        (["alexnet", name] + rest.map(Train.quoted)).joined(separator: " ")
    }

    /// The words in a subcommand's help, which include its options.
    private static func words(of command: any ParsableCommand.Type) -> Set<String> {
        Set(command.helpMessage(columns: 200).split { $0.isWhitespace || ",/()[]".contains($0) }.map(String.init))
    }
}
