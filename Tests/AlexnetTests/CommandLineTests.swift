import ArgumentParser
import ModelTestSupport
import Server
import TestSupport
import Testing

@testable import alexnet

@Suite(.timeLimit(.minutes(2))) struct CommandLineTests {
    @Test(arguments: [
        (["predict"], "Missing expected argument '<path> ...'"),
        (["predict", "a.jpg", "--top", "0"], "--top takes a positive whole number, not 0."),
        (["predict", "a.jpg", "--batch-size", "0"], "--batch-size takes 1 to 1024, not 0."),
        (["predict", "a.jpg", "--batch-size", "1025"], "--batch-size takes 1 to 1024, not 1025."),
        (["predict", "a.jpg", "--threads", "0"], "--threads takes 1 to 1024, not 0."),
        (["predict", "a.jpg", "--max-pixels", "0"], "--max-pixels takes a positive whole number."),
        (
            ["predict", "a.jpg", "--model", "m", "--checkpoint", "c.pth"],
            "--model and --checkpoint cannot be combined; give one of them."
        ),
        (
            ["serve", "--classes", "c.json"],
            "--classes requires --checkpoint; a model folder has its own class_indices.json."
        ),
        (
            ["serve", "--checkpoint", "c.pth", "--models", "weights"],
            "--checkpoint serves one model; it cannot be combined with --models or --default-model"
        ),
        (["serve", "--preprocessing", "caffe"], "--preprocessing requires --checkpoint"),
        (
            ["bench", "--batch", "1,,8"],
            "--batch takes sizes from 1 to 1024, separated by commas, as 1,8,32, not 1,,8."
        ),
        (["bench", "--batch", "0"], "--batch takes sizes from 1 to 1024"),
        (["bench", "--batch", "1025"], "--batch takes sizes from 1 to 1024"),
        (["bench", "--seconds", "0"], "--seconds takes a number up to 3600."),
        (
            ["bench", "--precision", "bfloat16"],
            "The value 'bfloat16' is invalid for '--precision <format>'. Please provide one of 'float32', 'float16' or "
                + "'int8-weights'."
        ),
        (["evaluate", "--model", "m"], "Missing expected argument '--data <data>'"),
        (["evaluate", "--data", "d", "--limit", "0"], "--limit takes a whole number from 1 on, not 0."),
        (["evaluate", "--data", "d", "--mistakes", "-1"], "Missing value for '--mistakes <n>'"),
        (["evaluate", "--data", "d", "--mistakes", "10001"], "--mistakes takes 0 to 10000, not 10001."),
        (["evaluate", "--data", "d", "--batch-size", "0"], "--batch-size takes 1 to 1024, not 0."),
        (["evaluate", "--data", "d", "--threads", "1025"], "--threads takes 1 to 1024, not 1025."),
        (
            ["convert", "a.pth", "b.onnx"],
            "The output's suffix has to be .pth, .pt, .safetensors or .npz, which is its format, not b.onnx."
        ),
        (["convert", "a.pth", "b.npz", "--type", "int8"], "The value 'int8' is invalid for '--type <format>'."),
        (["convert", "a.pth"], "Missing expected argument '<out>'"),
        (["inspect"], "Missing expected argument '<path>'"),
        (["serve", "--prot", "80"], "Unknown option '--prot'"),
        (
            ["serve", "--checkpoint", "class_indices.json", "--classes", "a.pth"],
            "--checkpoint and --classes are swapped: class_indices.json looks like the class map, and a.pth like the checkpoint."
        ),
    ])
    func `what makes no sense is refused with a sentence`(_ arguments: [String], _ sentence: String) {
        let error = #expect(throws: (any Error).self) { try Alexnet.parseAsRoot(arguments) }
        if let error { #expect(Alexnet.message(for: error).contains(sentence)) }
    }

    @Test(arguments: [
        (["server"], "There is no subcommand 'server'; did you mean 'alexnet serve'?"),
        (["predct", "a.jpg"], "There is no subcommand 'predct'; did you mean 'alexnet predict a.jpg'?"),
        (
            ["Predict", "my cat.jpg"],
            "There is no subcommand 'Predict'; did you mean 'alexnet predict 'my cat.jpg''?"
        ),
        (["eval"], "There is no subcommand 'eval'; did you mean 'alexnet evaluate'?"),
        (["--serve"], "Subcommands are written without dashes; did you mean 'alexnet serve'?"),
        (["-train"], "Subcommands are written without dashes; did you mean 'alexnet train'?"),
        (
            ["--port", "9000"],
            "--port comes after a subcommand: 'alexnet serve --port' or 'alexnet doctor --port'."
        ),
        (["--port=9000"], "--port comes after a subcommand"),
        (["frobnicate"], "There is no subcommand 'frobnicate'. The subcommands are serve, predict, train,"),
        (["/"], "'/' is not a subcommand; did you mean 'alexnet predict /'?"),
    ])
    func `what is no subcommand is told what was probably meant`(_ arguments: [String], _ sentence: String) {
        #expect(CommandHint.sentence(for: arguments)?.hasPrefix(sentence) == true, "\(arguments)")
    }

    @Test(arguments: [
        [], ["serve"], ["serve", "--prot"], ["help"], ["--help"], ["-h"], ["--version"], ["doctor", "x"],
    ])
    func `what the parser knows is left to it`(_ arguments: [String]) {
        #expect(CommandHint.sentence(for: arguments) == nil)
    }

    @Test func `--version tells the version`() {
        let error = #expect(throws: (any Error).self) { try Alexnet.parseAsRoot(["--version"]) }
        if let error { #expect(Alexnet.fullMessage(for: error) == Version.current) }
    }

    @Test(arguments: [1, 1024])
    func `limits themselves are allowed`(_ size: Int) throws {
        let command = try Alexnet.parseAsRoot(["predict", "a.jpg", "--batch-size", "\(size)", "--threads", "\(size)"])
        #expect((command as? Predict)?.batchSize == size)
    }

    @Test func `every flag of serve reaches the configuration key that its help names`() throws {
        let command = try Alexnet.parseAsRoot([
            "serve", "--host", "::1", "--port", "0", "--models", "m", "--default-model", "d", "--threads", "3",
            "--max-batch-size", "4", "--max-queue-delay", "5ms", "--queue-capacity", "6", "--log-level", "debug",
            "--log-format", "json",
        ])
        let serve = try #require(command as? Serve)
        #expect(
            serve.options.flags == [
                "server.host": "::1", "server.port": "0", "models.directory": "m", "models.default": "d",
                "threads.total": "3", "batching.max_batch_size": "4", "batching.max_queue_delay": "5ms",
                "batching.queue_capacity": "6", "log.level": "debug", "log.format": "json",
            ])
    }

    @Test func `a number below zero is a value, so that its limits are told`() throws {
        let serve = try #require(try Alexnet.parseAsRoot(["serve", "--port", "-1", "--threads", "-2"]) as? Serve)
        #expect(serve.options.flags == ["server.port": "-1", "threads.total": "-2"])
    }

    @Test func `a checkpoint or a class map that is not there is named with its option; a folder that is a file too`()
        throws
    {
        func error(_ arguments: String...) throws -> String {
            let command = try #require(try Alexnet.parseAsRoot(["predict", "a.jpg"] + arguments) as? Predict)
            let error = #expect(throws: (any Error).self) { try command.model.files() }
            return error.map { "\($0)" } ?? ""
        }
        #expect(try error("--checkpoint", "none.pth") == "There is no file none.pth (--checkpoint).")
        #expect(
            try error("--checkpoint", "/dev/null", "--classes", "none.json")
                == "There is no file none.json (--classes).")
        #expect(
            try error("--model", "/dev/null")
                == "/dev/null is a file, not a model folder; for a checkpoint use --checkpoint FILE --classes FILE.")
    }

    @Test func `one model, or a file, as the directory of all models is told what is right; an empty directory is not`()
        throws
    {
        let tiny = try TinyModel()
        let parent = tiny.folder.deletingLastPathComponent().path
        #expect(
            ModelsDirectoryMistake(ModelStoreError.emptyDirectory(path: tiny.folder.path))
                == .modelFolder(path: tiny.folder.path, parent: parent))
        #expect(
            ModelsDirectoryMistake(ModelStoreError.noDirectory(path: "/dev/null")) == .file(path: "/dev/null"))
        #expect(ModelsDirectoryMistake(ModelStoreError.emptyDirectory(path: parent)) == nil)
        #expect(ModelsDirectoryMistake(ModelStoreError.noDirectory(path: "/nowhere")) == nil)
        #expect(ModelsDirectoryMistake(ModelStoreError.noModels) == nil)
    }

    @Test func `without flags nothing overrules the configuration`() throws {
        let serve = try #require(try Alexnet.parseAsRoot(["serve"]) as? Serve)
        #expect(serve.options.flags.isEmpty)
        #expect(serve.options.source.files == nil)
    }
}
