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
            "reading the checkpoint would hold \(needed) bytes of memory beside the file, with \(what), and at most \(limit) are "
                + "allowed for one of its size"

        case .missingDirectory(let byteCount):
            "no zip directory ends the file of \(byteCount) bytes: it is truncated, or something follows the archive"
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
            "under \(quoted(key)) stands \(found) where a dictionary of tensors is expected: save the network's state_dict there, "
                + "as torch.save({\(quoted(key)): model.state_dict(), …}, path)"
        case .severalStateDictionaries(let keys):
            "the pickle holds several dictionaries of weights, under \(list(keys)): save the one that is meant, as "
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
            "tensor \(quoted(name)) is \(quoted(found)), and quantized weights are not read: save the network before it is "
                + "quantized, or its weights made float32 again with their scales; \"precision\": \"int8\" in model.json makes them "
                + "small here"
        case .headerTooLong(let found, let limit):
            "the safetensors header is \(found) bytes long, and at most \(limit) are allowed"
        case .invalidHeader(let offset, let found, let expected):
            "the safetensors header has \(found) at offset \(offset) where \(expected) is expected"
        case .duplicateKey(let key, let offset):
            "the safetensors header repeats key \(quoted(key)) at offset \(offset)"
        case .misplacedData(let name, let found, let expected):
            "the data of tensor \(quoted(name)) begin at \(found) where \(expected) is expected: no gaps, no overlaps"
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
            "tensor \(quoted(name)) of shard \(quoted(shard)) is not in the index: shards and index are of one saving"
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
    /// Whether the scalar may stand in a log line: no controls, line breaks, surrogates or direction marks.
    fileprivate var isPrintable: Bool {
        switch generalCategory {
        case .control, .format, .surrogate, .lineSeparator, .paragraphSeparator, .unassigned, .privateUse: false
        default: true
        }
    }
}
