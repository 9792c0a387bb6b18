/// Recognises by its first bytes a file that is not what was expected, and says what to do about it.
///
/// Downloads leave such files instead of a checkpoint: a Git LFS pointer, an error page, an archive around the file, or
/// the same network in another framework's format.
package struct FileKind: Equatable, Sendable {
    /// The end of a sentence that begins with the file's name, such as "is compressed with gzip: unpack it first".
    package let sentence: String

    private init(_ sentence: String) { self.sentence = sentence }

    /// How much of a file is examined. Units: bytes.
    package static let prefixByteCount = 512

    /// Recognises a file; nil if its kind is unknown.
    ///
    /// - Parameters:
    ///   - bytes: the file's beginning: ``prefixByteCount`` of it, or all.
    ///   - name: the file's name, which distinguishes kinds that begin alike.
    package init?(of bytes: [UInt8], name: String = "") {
        let bytes = bytes.count > Self.prefixByteCount ? Array(bytes.prefix(Self.prefixByteCount)) : bytes
        if let known = Self.magics.first(where: { $0.matches(bytes) }) {
            self = FileKind(known.sentence)
        } else if let kind = Self.webKind(bytes) ?? Self.protobufKind(bytes, name: name) ?? Self.otherKind(bytes) {
            self = kind
        } else {
            return nil
        }
    }

    // MARK: Fixed beginnings

    private struct Magic: Sendable {
        let offset: Int
        let bytes: [UInt8]
        let sentence: String

        init(_ bytes: [UInt8], at offset: Int = 0, _ sentence: String) {
            self.offset = offset
            self.bytes = bytes
            self.sentence = sentence
        }

        init(_ text: String, at offset: Int = 0, _ sentence: String) {
            self.init(Array(text.utf8), at: offset, sentence)
        }

        func matches(_ file: [UInt8]) -> Bool { file.dropFirst(offset).starts(with: bytes) }
    }

    private static func compressed(_ tool: String, _ command: String) -> String {
        "is compressed with \(tool): unpack it first, as with \(command)"
    }

    private static let image = "an image, not a model's file"

    private static let magics: [Magic] = [
        Magic(
            "version https://git-lfs.github.com/spec/",
            "is a Git LFS pointer, not the file that it stands for: fetch that with git lfs pull"),
        Magic(
            [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A],
            "is HDF5, as Keras and Caffe write it: load it there, and save a dictionary {layer: [weights, biases]} with numpy.save"
        ),
        Magic([0x1F, 0x8B], compressed("gzip", "gunzip, or tar xzf where it is an archive")),
        Magic([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0], compressed("xz", "unxz")),
        Magic([0x28, 0xB5, 0x2F, 0xFD], compressed("zstd", "unzstd")),
        Magic([0x31, 0x41, 0x59, 0x26, 0x53, 0x59], at: 4, compressed("bzip2", "bunzip2")),
        Magic([0x04, 0x22, 0x4D, 0x18], compressed("LZ4", "unlz4")),
        Magic([0x1F, 0x9D], compressed("compress", "uncompress")),
        Magic([0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C], "is a 7z archive: unpack it first, as with 7z x"),
        Magic("Rar!\u{1A}\u{7}", "is a RAR archive: unpack it first, as with unrar x"),
        Magic(
            "ustar", at: 257, "is a tar archive: unpack it, or load and save it again with PyTorch"),
        Magic([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A], "is a PNG, \(image)"),
        Magic([0xFF, 0xD8, 0xFF], "is a JPEG, \(image)"),
        Magic("GIF8", "is a GIF, \(image)"),
        Magic([0x49, 0x49, 0x2A, 0], "is a TIFF, \(image)"),
        Magic([0x4D, 0x4D, 0, 0x2A], "is a TIFF, \(image)"),
        Magic(
            [0, 5, 0x16, 7], "is the AppleDouble companion that macOS writes beside a file: take the one without ._"),
        Magic([0, 0, 0, 1, 0x42, 0x75, 0x64, 0x31], "is macOS's .DS_Store, which says how a folder looks"),
        Magic(
            "TFL3", at: 4,
            "is TensorFlow Lite's, which has no use for a trainer's weights: export the network's own, as PyTorch's"),
        Magic("GGUF", "is GGUF, which language models use: a PyTorch or safetensors file of the network is needed"),
        Magic("MATLAB 5.0 MAT-file", "is a MATLAB file: save the weights with scipy.io.loadmat and numpy.savez"),
        Magic("%PDF-", "is a PDF document"),
        Magic([0x7F, 0x45, 0x4C, 0x46], "is a program or a library (ELF)"),
        Magic("SQLite format 3", "is an SQLite database"),
        Magic(
            [0x12, 1, 0, 0, 0, 0, 0, 0], "holds MXNet's parameters: load them there and save them with numpy.savez"),
        Magic([0x80, 0x02], "is a bare pickle, not one that torch.save wrote"),
        Magic([0x80, 0x03], "is a bare pickle, not one that torch.save wrote"),
        Magic([0x80, 0x04, 0x95], "is a bare pickle, not one that torch.save wrote"),
        Magic([0x80, 0x05, 0x95], "is a bare pickle, not one that torch.save wrote"),
        Magic(
            [4, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 0x56, 0x20, 0x31],
            "is Lua Torch's .t7: load it with torchfile and save the tensors with PyTorch"),
    ]

    // MARK: Text that a download left

    private static func webKind(_ bytes: [UInt8]) -> FileKind? {
        var start = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
        start = start.drop { $0 == 0x20 || 0x09...0x0D ~= $0 }
        let text = String(decoding: start.prefix(64), as: UTF8.self).lowercased()
        if text.hasPrefix("<!doctype html") || text.hasPrefix("<html") || text.hasPrefix("<head") {
            return FileKind("is a web page, such as one of a log-in or an error: download the file itself")
        }
        if text.hasPrefix("<?xml") || text.hasPrefix("<error>") {
            return FileKind("is an XML document, such as a storage service's error: download the file itself")
        }
        return nil
    }

    // MARK: Other frameworks' protocol buffers, which have no magic

    /// - Source: onnx.proto (ModelProto), saved_model.proto, graph.proto and caffe.proto (NetParameter): the first fields that
    ///   their writers write.
    private static func protobufKind(_ bytes: [UInt8], name: String) -> FileKind? {
        func contains(_ word: String) -> Bool { bytes.contains(word.utf8) }
        /// Whether a text with a one-byte length is at an offset, with more bytes after it.
        func text(at offset: Int) -> Bool {
            guard bytes.count > offset, 1...127 ~= bytes[offset], bytes.count > offset + Int(bytes[offset]) else {
                return false
            }
            return bytes[(offset + 1)...(offset + Int(bytes[offset]))].allSatisfy { 0x20...0x7E ~= $0 }
        }
        // Text files have no control characters other than white space in their first bytes.
        guard bytes.count >= 8, bytes.prefix(32).contains(where: { $0 < 0x09 || 0x0E..<0x20 ~= $0 }) else { return nil }
        let onnx = FileKind(
            "is an ONNX model, a graph and not a checkpoint: save the network's weights where it was made, with "
                + "torch.save(model.state_dict(), path)")
        let tensorFlow = FileKind(
            "is a TensorFlow graph (SavedModel or frozen): load it there, and save a dictionary {layer: [weights, biases]} with "
                + "numpy.save")
        // ir_version, then the producer's name or the graph.
        if bytes[0] == 0x08, 1...30 ~= bytes[1], bytes[2] == 0x12, text(at: 3) { return onnx }
        if name.hasSuffix(".onnx"), bytes[0] == 0x08 { return onnx }
        // saved_model_schema_version 1, then a graph with its versions.
        if bytes[0] == 0x08, bytes[1] == 1, bytes[2] == 0x12 { return tensorFlow }
        // Nodes: each a message that begins with a name.
        if bytes[0] == 0x0A, bytes[2] == 0x0A || bytes[3] == 0x0A,
            name.hasSuffix(".pb") || contains("Placeholder") || contains("Const")
        {
            return tensorFlow
        }
        // The network's name, then its layers (100), old layers (2) or inputs (3).
        if bytes[0] == 0x0A, text(at: 1) {
            let next = bytes[(2 + Int(bytes[1]))...]
            if next.starts(with: [0xA2, 0x06]) || next.first == 0x12 || next.first == 0x1A {
                return FileKind(
                    "is a Caffe model: convert it to a dictionary {layer: [weights, biases]} in .npy with caffe-tensorflow, or to "
                        + "PyTorch's")
            }
        }
        return nil
    }

    // MARK: Other files

    private static func otherKind(_ bytes: [UInt8]) -> FileKind? {
        if bytes.starts(with: [0x42, 0x4D]), bytes.count >= 14, bytes[6..<10] == [0, 0, 0, 0] {
            return FileKind("is a BMP, \(image)")
        }
        if bytes.starts(with: Array("RIFF".utf8)), bytes.dropFirst(8).starts(with: Array("WEBP".utf8)) {
            return FileKind("is a WebP, \(image)")
        }
        if bytes.count >= 16, bytes.allSatisfy({ $0 == 0 }) {
            return FileKind("begins with zeros only: it was not written or downloaded to its end")
        }
        return nil
    }

    // MARK: Archives

    /// Recognises a zip archive that is not a checkpoint of PyTorch or NumPy, by the names of its records; nil if it is
    /// unknown.
    package static func archive(of names: [String]) -> FileKind? {
        func has(_ suffix: String) -> Bool { names.contains { $0.hasSuffix(suffix) } }
        func has(prefix: String) -> Bool { names.contains { $0.hasPrefix(prefix) } }
        if has("model.weights.h5") {
            return FileKind(
                "is Keras' .keras: load it there, and save a dictionary {layer: [weights, biases]} with numpy.save")
        }
        if names.contains("MAR-INF/MANIFEST.json") {
            return FileKind("is TorchServe's model archive (.mar): unpack it, and take the .pth inside")
        }
        if has("archive_format") || has("serialized_exported_program.json") {
            return FileKind(
                "is an exported program of PyTorch (.pt2): save its weights alone, with "
                    + "torch.save(torch.export.load(path).state_dict, path)")
        }
        if names.contains("[Content_Types].xml") { return FileKind("is an office document") }
        if let inside = names.first(where: { name in
            !name.contains("__MACOSX/")
                && [".pth", ".pt", ".safetensors", ".ckpt", ".h5"].contains { name.hasSuffix($0) }
        }) {
            return FileKind("is a zip archive of files: unpack it, and take \(inside.prefix(100))")
        }
        return nil
    }

    /// An archive that `torch.jit.save` writes: code beside the tensors.
    package static let torchScript = FileKind(
        "is a TorchScript archive, which holds code: save its weights alone, with "
            + "torch.save(torch.jit.load(path).state_dict(), path)")
}

extension FileKind {
    /// Recognises a checkpoint where text is expected.
    static func binary(_ bytes: [UInt8]) -> FileKind? {
        if bytes.starts(with: [0x50, 0x4B, 3, 4]) {
            return FileKind("is a zip archive, as PyTorch's and NumPy's checkpoints are")
        }
        if bytes.starts(with: [0x93] + Array("NUMPY".utf8)) { return FileKind("is a NumPy array") }
        if bytes.count > 8, bytes[8] == UInt8(ascii: "{"), bytes[4...7] == [0, 0, 0, 0] {
            return FileKind("is a safetensors checkpoint")
        }
        return nil
    }

    /// Describes text where a checkpoint is expected, by its first line; nil if it is not text.
    package static func text(_ bytes: [UInt8]) -> FileKind? {
        let start = bytes.prefix(80)
        guard start.count >= 4, start.allSatisfy({ 0x20...0x7E ~= $0 || 0x09...0x0D ~= $0 }) else { return nil }
        let line = start.prefix { $0 != 0x0A && $0 != 0x0D }.prefix(60)
        return FileKind("is text that begins \"\(String(decoding: line, as: UTF8.self))\"")
    }
}
