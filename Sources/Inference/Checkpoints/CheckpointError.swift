import Files
import Threads

/// Why a checkpoint was refused: what was found, what was expected, and where.
///
/// `offset` is in bytes from the start of the file, or of the record that the case names.
public enum CheckpointError: Error, Equatable, Sendable {
    // The file.
    /// The file could not be read.
    case file(FileError)
    /// The content is none of the supported formats; `found` says what it looks like.
    case unknownFormat(file: String, found: String)
    /// A part of the file is shorter than needed: at `offset`, it needs `needed` bytes and has `available`. Units:
    /// bytes.
    case truncated(what: String, offset: Int, needed: Int, available: Int)
    /// A count exceeds a fixed limit, such as the number of records or axes.
    case limitExceeded(what: String, found: Int, limit: Int)
    /// Reading would take more memory than the ``ReadingBudget`` allows. Units: bytes.
    case memoryLimit(what: String, needed: Int, limit: Int)

    // The zip archive.
    /// The file does not end with an end of central directory record. `byteCount` is the file's size. Units: bytes.
    case missingDirectory(byteCount: Int)
    /// A zip header at `offset` does not start with its signature.
    case wrongSignature(what: String, offset: Int, found: UInt32, expected: UInt32)
    /// The archive uses an unsupported feature of zip, such as several disks.
    case unsupportedArchive(offset: Int, feature: String)
    /// A field of the central directory contradicts the archive.
    case directoryMismatch(field: String, found: Int, expected: Int)
    /// A record's name is not UTF-8.
    case invalidRecordName(offset: Int)
    /// Two records have the same name.
    case duplicateRecord(record: String)
    /// A record is encrypted.
    case encryptedRecord(record: String)
    /// A record is compressed, but not by deflate; `method` is the method's number in zip.
    case unsupportedCompression(record: String, method: Int)
    /// A field of a record's local header contradicts the central directory.
    case headerMismatch(record: String, field: String, found: Int, expected: Int)
    /// The name in a record's local header differs from that in the central directory.
    case nameMismatch(record: String, found: String)
    /// Two records, or a record and the central directory, overlap at `offset`.
    case overlappingRecords(record: String, next: String, offset: Int)
    /// The deflate stream of a record is corrupt near `offset`.
    case invalidCompression(record: String, offset: Int)
    /// A record does not inflate to its declared size. Units: bytes.
    case inflatedSizeMismatch(record: String, found: Int, expected: Int)
    /// The CRC-32 of a record's bytes is not the stored one.
    case checksumMismatch(record: String, found: UInt32, expected: UInt32)
    /// A record that the format requires is missing.
    case missingRecord(record: String)
    /// The archive has more than one `data.pkl`.
    case severalPickles(found: [String])
    /// The storages are not little-endian.
    case unsupportedByteOrder(found: String)
    /// The archive's format version is unknown.
    case unsupportedVersion(found: String)

    // The pickle.
    /// The pickle's protocol is above 5.
    case unsupportedProtocol(found: Int)
    /// The byte at `offset` is not a supported opcode.
    case unknownOpcode(opcode: UInt8, offset: Int)
    /// The pickle is malformed at `offset`, or a value has the wrong type.
    case invalidPickle(offset: Int, found: String, expected: String)
    /// The file's only value is the result of a function outside the allowlist.
    case refusedGlobal(name: String, offset: Int)
    /// The file's only value is an instance of a class outside the allowlist, such as a whole network.
    case refusedObject(className: String, offset: Int)
    /// A usual key for weights holds a whole network or another object instead of a state dictionary.
    case wrappedObject(key: String, found: String)
    /// Several state dictionaries are under unusual keys, so the choice is ambiguous.
    case severalStateDictionaries(keys: [String])
    /// A value with the name of a weight is not a tensor.
    case notATensor(name: String, found: String)
    /// The file's value is not a dictionary.
    case notAStateDictionary(found: String)
    /// No state dictionary was found; `keys` are those of the root.
    case noTensors(keys: [String])

    // The tensors.
    /// Two tensors have the same name after wrapper prefixes are removed.
    case duplicateTensor(name: String)
    /// A storage has a different size than the pickle says. Units: bytes.
    case storageSizeMismatch(record: String, found: Int, expected: Int)
    /// A tensor's sizes, strides or offset are impossible.
    case invalidLayout(name: String, found: String, expected: String)
    /// A tensor reaches beyond its storage. Units: elements.
    case outOfBounds(name: String, lastElement: Int, storageElementCount: Int)
    /// A weight has an element type that is not floating point.
    case unsupportedScalarType(name: String, found: String)
    /// A weight is quantized, which is not supported.
    case quantizedTensor(name: String, found: String)

    // The safetensors header.
    /// The length of a safetensors header exceeds the limit. Units: bytes.
    case headerTooLong(found: UInt64, limit: Int)
    /// The JSON of a safetensors header is invalid.
    case invalidHeader(offset: Int, found: String, expected: String)
    /// A safetensors header repeats a key.
    case duplicateKey(key: String, offset: Int)
    /// A tensor's data do not start where the previous tensor's end: there is a gap or an overlap. Units: bytes.
    case misplacedData(name: String, found: Int, expected: Int)
    /// The size of a tensor's data does not match its shape and type. Units: bytes.
    case byteCountMismatch(name: String, found: Int, expected: Int)
    /// Bytes follow where the file should end.
    case trailingBytes(offset: Int, byteCount: Int)

    // The index of shards.
    /// The JSON of a shard index is invalid.
    case invalidIndex(offset: Int, found: String, expected: String)
    /// A shard's name is not a plain file name.
    case invalidShardName(name: String)
    /// A tensor is not in the shard that the index names.
    case missingFromShard(name: String, shard: String)
    /// A shard has a tensor that the index does not list for it.
    case unlistedTensor(name: String, shard: String)
    /// An error in one of the shards.
    indirect case shard(file: String, CheckpointError)

    // The NumPy array.
    /// The header of a `.npy` file is invalid.
    case invalidArray(record: String, offset: Int, found: String, expected: String)
    /// A layer in a dictionary of arrays holds something other than weights and biases.
    case invalidLayer(name: String, found: String)

    // The network that the tensors are for.
    /// A parameter of the network is missing.
    case missingTensor(name: String, expected: Shape)
    /// A tensor is not a parameter of the network.
    case unexpectedTensor(name: String, shape: Shape)
    /// A tensor's shape differs from that of the network's parameter.
    case shapeMismatch(name: String, found: Shape, expected: Shape)
    /// A weight is infinite or NaN; `index` is row-major.
    case nonFinite(name: String, index: Int, value: String)
    /// A running variance of batch normalisation is negative.
    case negativeVariance(name: String, index: Int, value: String)
    /// The tensors' names fit no known network.
    case unknownArchitecture(found: [String])
    /// The tensors almost fit a known network, but not exactly.
    ///
    /// - Parameters:
    ///   - closest: the known network with the fewest differences.
    ///   - differences: the first few differences.
    ///   - count: the number of differences in total.
    indirect case fitsNoArchitecture(closest: String, differences: [CheckpointError], count: Int)
    /// The tensors are those of a network that this program does not support.
    ///
    /// - Parameters:
    ///   - looksLike: the name of the network that the tensors' names suggest, if any.
    ///   - examples: the first few tensors.
    ///   - count: the number of tensors.
    case unservedNetwork(looksLike: String?, examples: [String], count: Int)
    /// The file has several networks, or a network and other layers.
    ///
    /// - Parameters:
    ///   - networks: each as `"model." is resnet18`.
    ///   - others: the prefixes of tensors that are not a network's.
    case severalNetworks(networks: [String], others: [String])
    /// No tensor's name starts with the `prefix` in `model.json`.
    case nothingUnderPrefix(String)
    /// The input's size does not fit the network: some layer would get an input of the wrong size or an empty one.
    case unsuitableInput(reason: String)
}

extension CheckpointError: JSONFailure, ByteReadFailure {
    package init(_ error: JSONError) {
        self = .invalidHeader(offset: error.offset, found: error.found, expected: error.expected)
    }

    package init(_ error: ByteReadError) {
        switch error {
        case .truncated(let what, let offset, let needed, let available):
            self = .truncated(what: what, offset: offset, needed: needed, available: available)
        case .lineTooLong(let what, let found, let limit):
            self = .limitExceeded(what: "bytes in a line of \(what)", found: found, limit: limit)
        }
    }
}

/// Reads a checkpoint's bytes in order.
typealias ByteCursor = ByteReader<CheckpointError>

extension FileSnapshot {
    /// A snapshot of a checkpoint's file.
    ///
    /// - Parameter workers: share the reading while they have nothing else to do; nil to read on this thread.
    /// - Throws: ``CheckpointError/file(_:)``
    static func checkpoint(
        at path: String, maxByteCount: Int, workers: WorkerPool? = nil
    ) throws(CheckpointError) -> AlignedBuffer {
        do throws(FileError) {
            guard let workers else { return try contents(of: path, maxByteCount: maxByteCount) }
            return try contents(of: path, maxByteCount: maxByteCount) { count, body in
                workers.parallelFor(count) { index, _ in body(index) }
            }
        } catch {
            throw .file(error)
        }
    }
}

extension CheckpointError: CustomStringConvertible {
    /// One plain sentence on one line, in which names from the file are quoted and shortened.
    public var description: String {
        sentence.unicodeScalars
            .map { $0.properties.isPrintable ? String($0) : $0.escaped(asASCII: true) }.joined()
    }

    private var sentence: String {
        switch self {
        case .file(let error): error.description
        case .unknownFormat(let file, let found):
            "\(file) is neither a PyTorch checkpoint nor safetensors nor NumPy's .npz or dictionary in .npy: it \(found)"
        case .truncated(let what, let offset, let needed, let available):
            "\(what) is cut short at offset \(offset): \(available) of the \(needed) bytes needed are there"
        case .limitExceeded(let what, let found, let limit):
            "the checkpoint has \(found) \(what), and at most \(limit) are allowed"
        case .memoryLimit(let what, let needed, let limit):
            "reading the checkpoint would take \(needed) bytes of memory beside the file, with \(what), and at most \(limit) are "
                + "allowed for a file of its size"

        case .missingDirectory(let byteCount):
            "the file of \(byteCount) bytes does not end with a zip directory: it is truncated, or something follows the archive"
        case .wrongSignature(let what, let offset, let found, let expected):
            "\(what) at offset \(offset) begins with \(hex(found)) where \(hex(expected)) is expected"
        case .unsupportedArchive(let offset, let feature):
            "the zip directory at offset \(offset) uses \(feature), which is not supported"
        case .directoryMismatch(let field, let found, let expected):
            "the zip directory's \(field) is \(found) where \(expected) is expected"
        case .invalidRecordName(let offset):
            "the name of the zip record at offset \(offset) is not UTF-8"
        case .duplicateRecord(let record):
            "the archive has two records named \(quoted(record))"
        case .encryptedRecord(let record):
            "record \(quoted(record)) is encrypted"
        case .unsupportedCompression(let record, let method):
            "record \(quoted(record)) uses compression method \(method) where 0 (stored) or 8 (deflate) is expected"
        case .headerMismatch(let record, let field, let found, let expected):
            "the header of record \(quoted(record)) gives \(field) \(found) where \(expected) is expected"
        case .nameMismatch(let record, let found):
            "record \(quoted(record)) is named \(quoted(found)) in its own header"
        case .overlappingRecords(let record, let next, let offset):
            "record \(quoted(record)) overlaps \(quoted(next)) at offset \(offset)"
        case .invalidCompression(let record, let offset):
            "the deflate data of record \(quoted(record)) is corrupt near byte \(offset)"
        case .inflatedSizeMismatch(let record, let found, let expected):
            "record \(quoted(record)) inflates to \(found) bytes where \(expected) are expected"
        case .checksumMismatch(let record, let found, let expected):
            "record \(quoted(record)) is corrupt: its CRC-32 is \(hex(found)) where \(hex(expected)) is expected"
        case .missingRecord(let record):
            "the archive has no record \(quoted(record))"
        case .severalPickles(let found):
            "the archive has \(found.count) records data.pkl where one is expected: \(list(found))"
        case .unsupportedByteOrder(let found):
            "the tensors' byte order is \(quoted(found)) where \"little\" is expected: save them on a little-endian machine"
        case .unsupportedVersion(let found):
            "the archive's version is \(quoted(found)) where a number from 1 to 10 is expected"

        case .unsupportedProtocol(let found):
            "the pickle's protocol is \(found) where 0 to 5 is expected"
        case .unknownOpcode(let opcode, let offset):
            "the pickle has opcode \(hex(UInt32(opcode))) at offset \(offset), which no state_dict needs"
        case .invalidPickle(let offset, let found, let expected):
            "the pickle has \(found) at offset \(offset) where \(expected) is expected"
        case .refusedGlobal(let name, let offset):
            "the pickle asks to run \(quoted(name)) at offset \(offset), and a checkpoint needs only tensors: "
                + "save model.state_dict()"
        case .wrappedObject(let key, let found):
            "under \(quoted(key)) is \(found) where a dictionary of tensors is expected: save the network's state_dict there, "
                + "as torch.save({\(quoted(key)): model.state_dict(), …}, path)"
        case .severalStateDictionaries(let keys):
            "the pickle holds several dictionaries of weights, under \(list(keys)): save the right one, as "
                + "torch.save(checkpoint[\(quoted(keys.first ?? ""))], path)"
        case .notATensor(let name, let found):
            "\(quoted(name)) is \(found) where a tensor is expected"
        case .refusedObject(let className, let offset):
            "the pickle holds an object of class \(quoted(className)) at offset \(offset), not only tensors: "
                + "save the weights alone with torch.save(model.state_dict(), path)"
        case .notAStateDictionary(let found):
            "the pickle holds \(found) where a dictionary of tensors is expected: save model.state_dict()"
        case .noTensors(let keys):
            "no dictionary of tensors was found, neither at the top nor under a key such as state_dict or model; the keys are: "
                + list(keys)

        case .duplicateTensor(let name):
            "two tensors are named \(quoted(name)) once module. and _orig_mod. are removed"
        case .storageSizeMismatch(let record, let found, let expected):
            "storage \(quoted(record)) has \(found) bytes where \(expected) are expected"
        case .invalidLayout(let name, let found, let expected):
            "tensor \(quoted(name)) has \(found) where \(expected) is expected"
        case .outOfBounds(let name, let lastElement, let storageElementCount):
            "tensor \(quoted(name)) reaches element \(lastElement) of a storage of \(storageElementCount)"
        case .unsupportedScalarType(let name, let found):
            "tensor \(quoted(name)) is \(quoted(found)) where float32, float16, bfloat16 or float64 is expected"
        case .quantizedTensor(let name, let found):
            "tensor \(quoted(name)) is \(quoted(found)), and quantized weights are not supported: save the network before it is "
                + "quantized, or dequantize its weights to float32; alexnet quantize quantizes them here"
        case .headerTooLong(let found, let limit):
            "the safetensors header is \(found) bytes long, and at most \(limit) are allowed"
        case .invalidHeader(let offset, let found, let expected):
            "the safetensors header has \(found) at offset \(offset) where \(expected) is expected"
        case .duplicateKey(let key, let offset):
            "the safetensors header repeats key \(quoted(key)) at offset \(offset)"
        case .misplacedData(let name, let found, let expected):
            "the data of tensor \(quoted(name)) begin at \(found) where \(expected) is expected: gaps and overlaps are not allowed"
        case .byteCountMismatch(let name, let found, let expected):
            "tensor \(quoted(name)) has \(found) bytes where its shape and type need \(expected)"
        case .trailingBytes(let offset, let byteCount):
            "\(byteCount) bytes follow the last tensor at offset \(offset) where the file should end"
        case .invalidIndex(let offset, let found, let expected):
            "the shard index has \(found) at offset \(offset) where \(expected) is expected"
        case .invalidShardName(let name):
            "the shard index names \(quoted(name)), which is not a plain file name; shards lie beside their index"
        case .missingFromShard(let name, let shard):
            "tensor \(quoted(name)) is not in shard \(quoted(shard)), where the index says it is"
        case .unlistedTensor(let name, let shard):
            "tensor \(quoted(name)) of shard \(quoted(shard)) is not in the index: shards and index must be saved together"
        case .shard(let file, let error):
            "shard \(quoted(file)): \(error.description)"
        case .invalidArray(let record, let offset, let found, let expected):
            "the array \(quoted(record)) has \(found) at offset \(offset) where \(expected) is expected"
        case .invalidLayer(let name, let found):
            "layer \(quoted(name)) has \(found.prefix(100)) where weights and biases are expected"
        case .missingTensor(let name, let expected):
            "tensor \(quoted(name)) of shape \(expected) is missing"
        case .unexpectedTensor(let name, let shape):
            "tensor \(quoted(name)) of shape \(shape) has no place in the network"
        case .shapeMismatch(let name, let found, let expected):
            "tensor \(quoted(name)) has shape \(found) where \(expected) is expected"
        case .nonFinite(let name, let index, let value):
            "tensor \(quoted(name)) has the value \(value) at index \(index) where a finite number is expected"
        case .negativeVariance(let name, let index, let value):
            "tensor \(quoted(name)) has the value \(value) at index \(index), and a variance is never below zero"
        case .unknownArchitecture(let found):
            "the tensors fit no known network: \(list(found))"
        case .fitsNoArchitecture(let closest, let differences, let count):
            "the tensors fit no known network; the closest is \(closest), but "
                + differences.map(\.description).joined(separator: "; ")
                + (count > differences.count ? "; and \(count - differences.count) more" : "")
        case .unservedNetwork(let network, let examples, let count):
            "the tensors fit no known network\(network.map { ": they look like those of \($0), which is not served" } ?? "")"
                + "; the first of \(count) are \(list(examples)). AlexNet, LeNet, VGG, GoogLeNet and ResNet are served, with the "
                + "variants that docs/reference/model-folder.md lists"
        case .severalNetworks(let networks, let others):
            "the file holds more than one network: \(networks.joined(separator: ", "))"
                + (others.isEmpty ? "" : ", and beside it tensors under \(list(others))")
                + "; say which one is meant with \"prefix\" in model.json, as \"prefix\": "
                + (networks.first?.split(separator: " ").first.map(String.init) ?? "")
        case .nothingUnderPrefix(let prefix):
            "no tensor's name begins with the prefix \(quoted(prefix)) that model.json gives"
        case .unsuitableInput(let reason):
            "the network cannot take its input: \(reason)"
        }
    }

    private func hex(_ number: UInt32) -> String { "0x" + String(number, radix: 16) }

    private func list(_ names: [String]) -> String {
        let shown = names.prefix(12).map(quoted).joined(separator: ", ")
        return names.count > 12 ? "\(shown) and \(names.count - 12) more" : names.isEmpty ? "none" : shown
    }

    /// A name from the file, of bounded length.
    private func quoted(_ name: String) -> String {
        let scalars = name.unicodeScalars
        return scalars.count > 100 ? "\"\(String.UnicodeScalarView(scalars.prefix(100)))…\"" : "\"\(name)\""
    }
}

extension Unicode.Scalar.Properties {
    /// Whether the scalar is safe in a log line: not a control, line break, surrogate or direction mark.
    fileprivate var isPrintable: Bool {
        switch generalCategory {
        case .control, .format, .surrogate, .lineSeparator, .paragraphSeparator, .unassigned, .privateUse: false
        default: true
        }
    }
}
