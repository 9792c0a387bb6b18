import Files
import Testing

@testable import Inference

@Suite("Files that are taken for others")
struct FileKindTests {
    private static func hex(_ text: String) -> [UInt8] {
        text.split(separator: " ").compactMap { UInt8($0, radix: 16) }
    }

    /// The beginnings that the formats' own writers make, and a word of what must be said.
    static let beginnings: [(name: String, bytes: [UInt8], word: String)] = [
        (
            "a.pth", Array("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n".utf8),
            "git lfs pull"
        ),
        ("a.pth", Array("<!DOCTYPE html>\n<html lang=\"en\">".utf8), "web page"),
        ("a.pth", Array("\n  <html><head><title>Sign in".utf8), "web page"),
        ("a.pth", [0xEF, 0xBB, 0xBF] + Array("<HTML>".utf8), "web page"),
        ("a.pth", Array("<?xml version=\"1.0\"?><Error><Code>AccessDenied".utf8), "XML"),
        ("a.h5", hex("89 48 44 46 0D 0A 1A 0A 00 00 00 00 00 08 08 00"), "HDF5"),
        ("a.onnx", hex("08 08 12 07 70 79 74 6F 72 63 68 1A 05 32 2E 31 2E 30 3A 9C"), "ONNX"),
        ("a.bin", hex("08 07 12 07 74 66 32 6F 6E 6E 78 00 1A 05 31"), "ONNX"),
        ("saved_model.pb", hex("08 01 12 B3 F1 04 0A 20 0A 1C 4D 79"), "TensorFlow"),
        ("frozen.pb", hex("0A 1E 0A 05 69 6E 70 75 74 12 0B 50 6C 61 63 65 68 6F 6C 64 65 72"), "TensorFlow"),
        ("a.caffemodel", hex("0A 07 41 6C 65 78 4E 65 74 A2 06 2A 0A 04"), "Caffe"),
        ("a.caffemodel", hex("0A 08 43 61 66 66 65 4E 65 74 12 36 0A"), "Caffe"),
        ("a.tflite", hex("1C 00 00 00 54 46 4C 33 14 00 20 00"), "TensorFlow Lite"),
        ("a.pth.gz", hex("1F 8B 08 00 00 00 00 00"), "gunzip"), ("a", hex("FD 37 7A 58 5A 00 00 04"), "unxz"),
        ("a", hex("28 B5 2F FD 24 05 29 00"), "unzstd"), ("a", hex("42 5A 68 39 31 41 59 26 53 59"), "bunzip2"),
        ("a", hex("37 7A BC AF 27 1C 00 04"), "7z"), ("a", hex("52 61 72 21 1A 07 01 00"), "RAR"),
        ("a", [UInt8](repeating: 0x61, count: 257) + Array("ustar\u{0}00".utf8), "tar archive"),
        ("a", hex("89 50 4E 47 0D 0A 1A 0A 00 00"), "PNG"), ("a", hex("FF D8 FF E0 00 10 4A 46"), "JPEG"),
        ("a", Array("GIF89a".utf8), "GIF"), ("a", Array("RIFF\u{0}\u{1}\u{0}\u{0}WEBPVP8 ".utf8), "WebP"),
        ("a", hex("42 4D 36 00 00 00 00 00 00 00 36 00 00 00"), "BMP"), ("a", hex("49 49 2A 00 08 00 00 00"), "TIFF"),
        ("._a.pth", hex("00 05 16 07 00 02 00 00"), "without ._"),
        (".DS_Store", hex("00 00 00 01 42 75 64 31 00 00"), ".DS_Store"),
        ("a", hex("80 02 7D 71 00 2E"), "bare pickle"), ("a", Array("GGUF".utf8) + [3, 0, 0, 0], "GGUF"),
        ("a", Array("%PDF-1.7\n".utf8), "PDF"), ("a.mat", Array("MATLAB 5.0 MAT-file, Platform".utf8), "MATLAB"),
        ("a", [UInt8](repeating: 0, count: 600), "zeros"),
    ]

    @Test("A checkpoint that is something else is named, with what to do", arguments: beginnings.indices)
    func namesCheckpoints(_ index: Int) {
        let (name, bytes, word) = Self.beginnings[index]
        guard case .unknownFormat(_, let found)? = Checkpoint.error(of: bytes) ?? Self.error(of: bytes, name: name)
        else {
            Issue.record("\(name) is read")
            return
        }
        let named = Self.error(of: bytes, name: name)
        guard case .unknownFormat(name, let sentence)? = named else {
            Issue.record("\(String(describing: named))")
            return
        }
        #expect(sentence.contains(word), "\(sentence)")
        #expect(!found.contains("the bytes"), "\(found)")
    }

    private static func error(of bytes: [UInt8], name: String) -> CheckpointError? {
        do throws(CheckpointError) {
            _ = try Checkpoint(AlignedBuffer(bytes), name: name)
            return nil
        } catch {
            return error
        }
    }

    @Test("The same given as text is named, too", arguments: beginnings.indices)
    func namesText(_ index: Int) {
        let (name, bytes, word) = Self.beginnings[index]
        let error = #expect(throws: FileError.self) { try TextFile(bytes, name: name) }
        #expect(error?.description.contains(word) == true, "\(String(describing: error))")
    }

    @Test("Checkpoints given as text are named")
    func namesCheckpointsAsText() {
        let safetensors: [UInt8] = [60, 0, 0, 0, 0, 0, 0, 0] + Array("{\"w\":{}}".utf8)
        for (bytes, word) in [
            (hexZip, "zip archive"), ([0x93] + Array("NUMPY".utf8), "NumPy"), (safetensors, "safetensors"),
        ] {
            let error = #expect(throws: FileError.self) { try TextFile(bytes, name: "a") }
            #expect(error?.description.contains(word) == true, "\(String(describing: error))")
        }
    }

    private let hexZip: [UInt8] = [0x50, 0x4B, 3, 4, 0, 0]

    @Test(
        "Text and JSON given as a checkpoint are quoted, not shown in hex",
        arguments: [
            ("404: Not Found\n", "is text that begins \"404: Not Found\""),
            ("(dp0\nS'a'\n", "is text that begins \"(dp0\""),
            ("name: \"AlexNet\"\nlayer {", "is text that begins \"name: \"AlexNet\"\""),
            ("{\"conv\": {\"0\": 1}}", "begins like JSON, but is no index of shards"),
        ])
    func quotesText(_ text: String, _ found: String) {
        #expect(Checkpoint.error(of: Array(text.utf8)) == .unknownFormat(file: "test", found: found))
    }

    @Test(
        "Zip archives that are no checkpoints are told by what is in them",
        arguments: [
            (["config.json", "metadata.json", "model.weights.h5"], "Keras"),
            (["MAR-INF/MANIFEST.json", "a.pth"], "TorchServe"),
            (["a/archive_format", "a/models/model.json"], "pt2"), (["__MACOSX/._a.pth", "a/a.pth"], "take a/a.pth"),
            (["[Content_Types].xml"], "office"),
        ])
    func tellsArchives(_ names: [String], _ word: String) {
        #expect(FileKind.archive(of: names)?.sentence.contains(word) == true)
        #expect(FileKind.archive(of: ["a/data.pkl", "a/data/0"]) == nil)
    }

    @Test("Class names and settings are no other kind of file")
    func leavesTextAlone() {
        for text in [
            "BMW\nAudi\n", "BZhang\nLi", "GIF\n", "\n\n\nConst\nPlaceholder\n", "{\"0\": \"a\"}",
            "server:\n  port: 1\n", "MM*\n",
        ] {
            #expect(FileKind(of: Array(text.utf8)) == nil, "\(text)")
            #expect(throws: Never.self) { try TextFile(Array(text.utf8), name: "a") }
        }
    }
}
