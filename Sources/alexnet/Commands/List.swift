import ArgumentParser
import Foundation
import Inference
import Server

/// `alexnet ls`: the models of a running server, or those that one would serve here.
struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "List the models of a running server, or those in the models directory.",
        discussion: """
            Without a server at the address, and without --url, the folders of the models directory are listed.

              alexnet ls
              alexnet ls --url http://10.0.0.7:8080
            """
    )

    @OptionGroup var server: ServerOptionGroup

    func run() throws {
        do {
            try OutputStream.output.write(try table())
        } catch let code as ExitCode {
            throw code
        } catch {
            throw Failure.work(error)
        }
    }

    private func table() throws -> String {
        let client = ServerClient(address: try server.address())
        do {
            let served = try ServedModels(of: client)
            let rows = served.models.map { model in
                let name = model.name + (model.name == served.default ? " (default)" : "")
                guard model.ready else { return [name, model.reason ?? "not loaded"] }
                return [
                    name, model.architecture ?? "", "\(model.classes ?? 0) classes", model.precision ?? "",
                    model.version ?? "",
                ]
            }
            return TextTable.lines(rows)
        } catch ServerClient.Failure.unreachable where server.url == nil {
            let directory = try server.settings().models.directory
            OutputStream.error.writeIfPossible(
                "alexnet: no server at \(client.address); these are the models in \(directory.printable)\n")
            let folders = try ModelStore.folders(in: directory)
            return TextTable.lines(folders.map { [$0.name, directory + "/" + $0.name] })
        }
    }
}
