import Foundation
import ModelTestSupport
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(2))) struct PredictTests {
    private let tiny: TinyModel
    private let folder: TemporaryFolder

    /// Two images, one of them in a subfolder, and other files.
    init() throws {
        tiny = try TinyModel()
        try tiny.write("model.json", #"{"architecture": "alexnet", "preprocessing": "imagenet"}"#)
        folder = try TemporaryFolder()
        try folder.write(TestPicture.png, to: "images/a.png")
        try folder.write(TestPicture.png, to: "images/more/b.png")
        try folder.write([1], to: "images/notes.txt")
    }

    private func predict(_ arguments: String..., input: [UInt8] = []) async throws -> BuiltProgram.Run {
        try await BuiltProgram.run(
            ["predict", "--model", tiny.folder.path] + arguments, input: input, in: folder.path(""))
    }

    private func json(_ line: some StringProtocol) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }

    @Test func `a file is one row with its classes by probability`() async throws {
        let run = try await predict("images/a.png", "--top", "2")
        #expect(run.code == 0)
        #expect(run.error == "")
        #expect(run.output.wholeMatch(of: /images\/a\.png(  class [0-2] [0-9.]+ %){2}\n/) != nil, "\(run.output)")
    }

    @Test func `a folder is all images in it, and the other files are reported`() async throws {
        let run = try await predict("images")
        #expect(run.code == 0)
        let rows = run.output.split(separator: "\n")
        #expect(rows.map { $0.prefix { $0 != " " } } == ["images/a.png", "images/more/b.png"])
        #expect(run.error == "alexnet: left out: 1 file .txt, not an image by the name: images/notes.txt\n")
    }

    @Test func `with JSON there is one object for each image, as the server answers`() async throws {
        let run = try await predict("images/a.png", "images/more/b.png", "--json", "--top", "3")
        #expect(run.code == 0)
        let objects = try run.output.split(separator: "\n").map(json)
        #expect(objects.map { $0["filename"] as? String } == ["images/a.png", "images/more/b.png"])
        for object in objects {
            let top = try #require(object["top"] as? [[String: Any]])
            #expect(top.count == 3)
            #expect(object["class"] as? String == top[0]["class"] as? String)
            #expect(abs(top.reduce(0) { $0 + ($1["probability"] as? Double ?? 0) } - 1) < 1e-4)
            #expect((object["version"] as? String)?.count == 12)
        }
    }

    @Test func `standard input is an image too`() async throws {
        let run = try await predict("-", "--json", input: TestPicture.png)
        #expect(run.code == 0)
        #expect(try json(run.output)["class"] != nil)
        let empty = try await predict("-")
        #expect(empty.code == 1)
        #expect(empty.error.hasPrefix("alexnet: -: "))
    }

    @Test func `an image that cannot be read ends it with 1, and the others are classified`() async throws {
        try folder.write(TestPicture.truncatedPNG, to: "broken.png")
        let run = try await predict("none.png", "broken.png", "images/a.png", "--json")
        #expect(run.code == 1)
        let objects = try run.output.split(separator: "\n").map(json)
        #expect(objects.map { $0["error"] != nil } == [true, true, false])
        let errors = run.error.split(separator: "\n")
        #expect(errors.count == 2)
        #expect(errors[0] == "alexnet: none.png: It cannot be read: No such file or directory.")
        #expect(errors[1].hasPrefix("alexnet: broken.png: "))
    }

    @Test func `CSV has a header and a record for each image, also for one that cannot be read`() async throws {
        try folder.write(TestPicture.truncatedPNG, to: "broken.png")
        let run = try await predict("images/a.png", "broken.png", "--format", "csv", "--top", "2")
        #expect(run.code == 1)
        let lines = run.output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        #expect(lines.count == 4 && lines.last == "")
        #expect(lines[0] == "filename,class,index,probability,class_2,index_2,probability_2,version,error")
        #expect(
            lines[1].wholeMatch(
                of: /images\/a\.png,class [0-2],[0-2],[0-9.e-]+,class [0-2],[0-2],[0-9.e-]+,[0-9a-f]{12},/) != nil)
        #expect(lines[2].hasPrefix("broken.png,,,,,,,,"))
    }

    @Test(arguments: ["out.csv", "out.jsonl"])
    func `an interrupted run is continued, and each image is written once`(_ name: String) async throws {
        try folder.write(TestPicture.truncatedPNG, to: "images/c.png")
        let whole = try await predict("images", "--output", name, "--batch-size", "1")
        #expect(whole.code == 1)
        #expect(whole.output == "3 images written to \(name); 1 of them could not be read\n")
        let path = folder.path(name)
        let text = try Data(contentsOf: URL(filePath: path))

        let again = try await predict("images", "--output", name)
        #expect(again.code == 1)
        #expect(again.error.contains("\(name) exists; continue it with --resume, or write to another file."))
        #expect(try Data(contentsOf: URL(filePath: path)) == text)

        // In the middle of the last line, of the first one, and before anything was written.
        for (count, summary) in [
            (text.count - 5, "1 image written to \(name); 2 were there before\n"),
            (40, "3 images written to \(name); 1 of them could not be read\n"),
            (0, "3 images written to \(name); 1 of them could not be read\n"),
            (text.count, "0 images written to \(name); 3 were there before\n"),
        ] {
            try text.prefix(count).write(to: URL(filePath: path))
            let run = try await predict("images", "--output", name, "--batch-size", "1", "--resume")
            #expect(run.output == summary, "\(count) bytes: \(run.error)")
            #expect(try Data(contentsOf: URL(filePath: path)) == text, "\(count) bytes")
        }

        try Data(String(decoding: text, as: UTF8.self).replacing(/[0-9a-f]{12}/, with: "0123456789ab").utf8)
            .write(to: URL(filePath: path))
        let other = try await predict("images", "--output", name, "--resume")
        #expect(other.code == 1)
        #expect(
            other.error.contains("\(name) holds answers of version 0123456789ab of a model, and this one is version"))
    }

    @Test(arguments: [
        (["--tpo", "3", "a.png"], "Unknown option '--tpo'"), ([], "Missing expected argument '<path> ...'"),
        (["a.png", "--top", "0"], "--top takes a positive whole number, not 0."),
        (
            ["a.png", "--output", "a.txt"],
            "--output a.txt does not tell its format; add --format csv or --format json."
        ),
        (["a.png", "--output", "a.csv", "--format", "table"], "--output takes --format csv or --format json"),
        (["a.png", "--resume"], "--resume continues a file; name it with --output."),
        (["a.png", "--json", "--format", "csv"], "--json and --format csv differ."),
    ])
    func `a wrong command line ends with 2`(_ arguments: [String], _ excerpt: String) async throws {
        let run = try await BuiltProgram.run(["predict"] + arguments)
        #expect(run.code == 2)
        #expect(run.output == "")
        #expect(run.error.contains(excerpt), "\(run.error)")
    }

    @Test func `without a model the next step is said`() async throws {
        let run = try await BuiltProgram.run(["predict", "a.png"])
        #expect(run.code == 1)
        #expect(
            run.error
                == "alexnet: There is no model in weights/ here; give one with --model DIRECTORY, or with --checkpoint FILE "
                + "--classes FILE.\n")
    }
}
