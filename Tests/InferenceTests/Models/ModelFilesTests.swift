import Foundation
import ModelTestSupport
import TestSupport
import Testing
import Threads

@testable import Inference

@Suite("Finding a model's files", .timeLimit(.minutes(3)))
struct ModelFilesTests {
    private let loader = ModelLoader(workers: WorkerPool(threadCount: 2))

    private func load(_ tiny: TinyModel) throws -> Model { try loader.load(ModelFiles(folder: tiny.folder.path)) }

    @Test func `missing and ambiguous files are named`() throws {
        let tiny = try TinyModel()
        try tiny.writeCheckpoint("second.pth")
        #expect(
            throws: ModelError.ambiguousCheckpoint(
                folder: tiny.folder.path, files: ["model.safetensors", "second.pth"])
        ) { try load(tiny) }
        try tiny.remove("second.pth")
        try tiny.remove("model.safetensors")
        #expect(throws: ModelError.noCheckpoint(folder: tiny.folder.path)) { try load(tiny) }
        try tiny.writeCheckpoint()
        try tiny.remove("class_indices.json")
        #expect(throws: ModelError.noClassMap(folder: tiny.folder.path)) { try load(tiny) }
        #expect(throws: ModelError.noFolder(path: "/nowhere/at/all")) { try ModelFiles(folder: "/nowhere/at/all") }
    }

    @Test func `what macOS leaves beside files counts neither as a checkpoint nor as a model`() throws {
        let tiny = try TinyModel()
        for name in ["._model.safetensors", "._model.pth", ".DS_Store", ".model.pth"] {
            try Data([0, 5, 0x16, 7, 0, 2, 0, 0]).write(to: tiny.folder.appendingPathComponent(name))
        }
        let files = try ModelFiles(folder: tiny.folder.path)
        #expect(files.checkpointPath == tiny.path("model.safetensors"))
        #expect(try load(tiny).classes.count == 3)
        try tiny.remove("model.safetensors")
        #expect(try !files.holdsModel)
        #expect(throws: ModelError.noCheckpoint(folder: tiny.folder.path)) { try load(tiny) }
        let error = #expect(throws: ModelError.self) {
            try loader.load(ModelFiles(checkpoint: tiny.path("._model.pth"), classes: nil))
        }
        #expect(error?.description.contains("AppleDouble") == true)
    }

    @Test(arguments: ["index_to_name.json", "imagenet_class_index.json", "labels.txt", "classes.txt", "classes.json"])
    func `a class map is found under the names that other programs write`(_ name: String) throws {
        let tiny = try TinyModel()
        try tiny.remove("class_indices.json")
        try tiny.write(
            name,
            name.hasSuffix("json") ? #"{"0": ["n1", "p"], "1": ["n2", "q"], "2": ["n3", "r"]}"# : "p\r\nq\r\nr\r\n")
        #expect(try load(tiny).classes.names == ["p", "q", "r"])
    }

    @Test func `side files with a byte order mark are read, and the version is that of their bytes`() throws {
        let tiny = try TinyModel()
        let plain = try load(tiny)
        try tiny.write("model.json", "\u{FEFF}{\r\n\"preprocessing\": \"unit\"\r\n}")
        try tiny.write("class_indices.json", "\u{FEFF}p\r\nq\r\nr")
        let marked = try load(tiny)
        #expect(marked.classes.names == ["p", "q", "r"])
        #expect(marked.preprocessing == .preset(.unit, input: [3, 224, 224]))
        #expect(marked.version != plain.version)
        #expect(try ModelFiles(folder: tiny.folder.path).checkpointPath == tiny.path("model.safetensors"))
    }

    @Test func `a folder with another framework's file instead of a checkpoint says what it is`() throws {
        let tiny = try TinyModel()
        try tiny.remove("model.safetensors")
        let onnx: [UInt8] = [8, 8, 0x12, 7] + Array("pytorch".utf8) + [0x1A, 5] + Array("2.1.0".utf8)
        try Data(onnx).write(to: tiny.folder.appendingPathComponent("model.onnx"))
        let error = #expect(throws: ModelError.self) { try load(tiny) }
        #expect(
            error?.description.hasPrefix(
                "\(tiny.folder.path) holds no checkpoint, but model.onnx, which is an ONNX model")
                == true)
        let folder = #expect(throws: ModelError.self) {
            try loader.load(ModelFiles(checkpoint: tiny.folder.path, classes: nil))
        }
        #expect(folder == error)
    }

    @Test func `a side file that is something else is named`() throws {
        func sentence(_ tiny: TinyModel) -> String? { #expect(throws: ModelError.self) { try load(tiny) }?.description }
        let tiny = try TinyModel()
        let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 1\n"
        try tiny.write("class_indices.json", pointer)
        #expect(
            sentence(tiny)
                == "\(tiny.path("class_indices.json")) is not text in UTF-8: it is a Git LFS pointer, not the file that it stands "
                + "for: fetch that with git lfs pull.")
        try Data([0xC3, 0xB5, 0xB9, 0xE5]).write(to: tiny.folder.appendingPathComponent("class_indices.json"))
        #expect(sentence(tiny)?.contains("it is probably GBK") == true)
        try tiny.write("class_indices.json", "p\nq\nr")
        try tiny.write("model.json", "<!doctype html>")
        #expect(sentence(tiny)?.contains("model.json is not text in UTF-8: it is a web page") == true)
        try tiny.write("model.json", "{" + String(repeating: " ", count: 1 << 20) + "}")
        #expect(
            sentence(tiny) == "\(tiny.path("model.json")) has 1048578 bytes, and at most 1048576 are read.")
        try tiny.remove("model.json")
        try tiny.write("model.safetensors", pointer)
        #expect(sentence(tiny)?.contains("it is a Git LFS pointer") == true)
    }

    @Test func `a folder in a checkpoint's place, a map that is missing and one that is a folder are named`() throws {
        let tiny = try TinyModel()
        #expect(throws: ModelError.checkpointIsFolder(path: tiny.folder.path)) {
            try loader.load(ModelFiles(checkpoint: tiny.folder.path, classes: nil))
        }
        let missing = #expect(throws: ModelError.self) {
            try loader.load(ModelFiles(checkpoint: tiny.path("model.safetensors"), classes: "/nowhere.json"))
        }
        #expect(missing?.description == "/nowhere.json cannot be read: No such file or directory.")
        let folder = #expect(throws: ModelError.self) {
            try loader.load(ModelFiles(checkpoint: tiny.path("model.safetensors"), classes: tiny.folder.path))
        }
        #expect(folder?.description == "\(tiny.folder.path) is not a regular file.")
    }

    @Test func `the fingerprint changes with every file that counts, and with no other`() throws {
        let tiny = try TinyModel()
        let files = try ModelFiles(folder: tiny.folder.path)
        var seen = [try files.fingerprint]
        #expect(try files.fingerprint == seen[0])
        try tiny.write("README.md", "words")
        try tiny.write(".model.tmp", "half")
        #expect(try files.fingerprint == seen[0])
        for (name, text) in [("class_indices.json", "a\nb\nc"), ("model.json", "{}"), ("model.safetensors", "")] {
            try tiny.write(name, text)
            let current = try files.fingerprint
            #expect(!seen.contains(current), "\(name)")
            seen.append(current)
        }
        #expect(try !files.fingerprint.isEmpty)
    }
}
