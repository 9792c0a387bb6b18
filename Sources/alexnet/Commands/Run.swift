import ArgumentParser
import Foundation
import Server

/// `alexnet run`: classifies images with a model by its name: by a running server, or without one.
struct Run: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Classify images with a model, by a running server or without one.",
        discussion: """
            The model is one that a running server has, else a folder in the models directory, a model folder or a checkpoint.

              alexnet run fashion-mnist docs/dress.jpg
              alexnet run weights/fashion-mnist photos/
            """
    )

    @Argument(help: "The name of a model, a model folder or a checkpoint.")
    var model: String

    @Argument(help: ArgumentHelp("Images, folders of images, or - for standard input.", valueName: "path"))
    var paths: [String]

    @OptionGroup var server: ServerOptionGroup

    @Option(help: ArgumentHelp("How many classes to list.", valueName: "k"))
    var top = 5

    @Flag(help: "Print one JSON object for each image.")
    var json = false

    func validate() throws {
        guard !paths.isEmpty else { throw ValidationError("Name at least one image after the model.") }
        guard top > 0 else { throw ValidationError("--top takes a positive whole number, not \(top).") }
    }

    func run() throws {
        let client = ServerClient(address: try server.address())
        do {
            if try ServedModels(of: client).models.contains(where: { $0.name == model && $0.ready }) {
                return try ask(client)
            }
            if server.url != nil { throw UnknownModel(name: model, address: client.address) }
        } catch ServerClient.Failure.unreachable where server.url == nil {
            // Without a server the model is loaded here.
        } catch let code as ExitCode {
            throw code
        } catch {
            throw Failure.work(error)
        }
        try predictHere()
    }

    /// The same as `alexnet predict` with the model's folder.
    private func predictHere() throws {
        let folder = try server.settings().models.directory + "/" + model
        let isFolder = FileManager.default.fileExists(atPath: folder)
        var isDirectory: ObjCBool = false
        _ = FileManager.default.fileExists(atPath: model, isDirectory: &isDirectory)
        let source =
            isFolder ? ["--model", folder] : isDirectory.boolValue ? ["--model", model] : ["--checkpoint", model]
        let predict = try Predict.parse(source + ["--top", "\(top)"] + (json ? ["--json"] : []) + paths)
        try predict.run()
    }

    private func ask(_ client: ServerClient) throws {
        let (images, ignored) = ImageSource.all(at: paths)
        OutputStream.error.report(ignored)
        let target = "/v1/models/\(Self.encoded(model))/predict?top=\(top)"
        var failureCount = 0
        for image in images {
            do {
                let answer = try client.send("POST", target, body: Array(try image.read()))
                guard answer.status == 200 else {
                    throw ServerNotReady(reason: answer.detail ?? "it answered \(answer.status)")
                }
                if json {
                    try OutputStream.output.write(String(decoding: answer.body, as: UTF8.self) + "\n")
                } else {
                    let found = try JSONDecoder().decode(Found.self, from: Data(answer.body))
                    let candidates = found.top.map { (label: $0.class, probability: $0.probability) }
                    try OutputStream.output.write(
                        PredictionWriter.row(candidates, label: image.label, width: images.labelWidth) + "\n")
                }
            } catch let error as OutputStream.Failure {
                throw Failure.work(error)
            } catch {
                failureCount += 1
                let reason = (error as? ServerNotReady)?.reason ?? "\(error)"
                OutputStream.error.writeIfPossible("alexnet: \(image.label): \(reason)\n")
            }
        }
        if failureCount > 0 { throw ExitCode(Failure.workCode) }
    }

    /// A name as a segment of a path.
    private static func encoded(_ name: String) -> String {
        name.addingPercentEncoding(withAllowedCharacters: .urlPathAllowed.subtracting(CharacterSet(charactersIn: "/;")))
            ?? name
    }

    private struct Found: Decodable {
        struct Candidate: Decodable {
            let `class`: String
            let probability: Float
        }
        let top: [Candidate]
    }

    /// The server that was named does not have the model.
    private struct UnknownModel: Error, CustomStringConvertible {
        let name: String
        let address: ServerAddress
        var description: String {
            "The server at \(address) has no model \"\(name)\" that is ready; alexnet ls lists them."
        }
    }
}
