import ArgumentParser

/// The command line: one file a subcommand.
@main
struct Alexnet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alexnet",
        abstract: "Puts an image classifier behind HTTP, on a CPU.",
        discussion: """
            Start a server on the models in weights/ and send it a picture:

              alexnet serve
              curl -F image=@sneaker.jpg localhost:8080/predict

            Or ask for one picture without a server:

              alexnet predict sneaker.jpg
            """,
        subcommands: [Serve.self, Predict.self]
    )
}
