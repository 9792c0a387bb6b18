import Files

/// Why a checkpoint was refused: what was found, what was expected, and where.
///
/// Offsets count bytes from the start of what the case names: the file, or one record of it.
public enum CheckpointError: Error, Equatable, Sendable {
    // The file.
    case file(FileError)
    case unknownFormat(file: String, found: String)
    case truncated(what: String, offset: Int, needed: Int, available: Int)
    case limitExceeded(what: String, found: Int, limit: Int)
    /// Reading would take more memory than a file of its size may.
    case memoryLimit(what: String, needed: Int, limit: Int)

    // The zip archive.
    case missingDirectory(byteCount: Int)
    case wrongSignature(what: String, offset: Int, found: UInt32, expected: UInt32)
    case unsupportedArchive(offset: Int, feature: String)
    case directoryMismatch(field: String, found: Int, expected: Int)
    case invalidRecordName(offset: Int)
    case duplicateRecord(record: String)
    case encryptedRecord(record: String)
    case unsupportedCompression(record: String, method: Int)
    case headerMismatch(record: String, field: String, found: Int, expected: Int)
    case nameMismatch(record: String, found: String)
    case overlappingRecords(record: String, next: String, offset: Int)
    case invalidCompression(record: String, offset: Int)
    case inflatedSizeMismatch(record: String, found: Int, expected: Int)
    case checksumMismatch(record: String, found: UInt32, expected: UInt32)
    case missingRecord(record: String)
    case severalPickles(found: [String])
    case unsupportedByteOrder(found: String)
    case unsupportedVersion(found: String)

    // The pickle.
    case unsupportedProtocol(found: Int)
    case unknownOpcode(opcode: UInt8, offset: Int)
    case invalidPickle(offset: Int, found: String, expected: String)
    case refusedGlobal(name: String, offset: Int)
    case refusedObject(className: String, offset: Int)
    /// A network, or anything else, where a dictionary of its weights is expected.
    case wrappedObject(key: String, found: String)
    /// Several dictionaries of weights, none under a usual key.
    case severalStateDictionaries(keys: [String])
    /// What has a weight's name and is no tensor.
    case notATensor(name: String, found: String)
    case notAStateDictionary(found: String)
    case noTensors(keys: [String])

    // The tensors.
    case duplicateTensor(name: String)
    case storageSizeMismatch(record: String, found: Int, expected: Int)
    case invalidLayout(name: String, found: String, expected: String)
    case outOfBounds(name: String, lastElement: Int, storageElementCount: Int)
    case unsupportedScalarType(name: String, found: String)
    /// A network's weight whose numbers are no plain floating-point ones.
    case quantizedTensor(name: String, found: String)

    // The safetensors header.
    case headerTooLong(found: UInt64, limit: Int)
    case invalidHeader(offset: Int, found: String, expected: String)
    case duplicateKey(key: String, offset: Int)
    case misplacedData(name: String, found: Int, expected: Int)
    case byteCountMismatch(name: String, found: Int, expected: Int)
    case trailingBytes(offset: Int, byteCount: Int)

    // The index of shards.
    case invalidIndex(offset: Int, found: String, expected: String)
    case invalidShardName(name: String)
    case missingFromShard(name: String, shard: String)
    case unlistedTensor(name: String, shard: String)
    /// What is wrong in one of the shards.
    indirect case shard(file: String, CheckpointError)

    // The NumPy array.
    case invalidArray(record: String, offset: Int, found: String, expected: String)
    case invalidLayer(name: String, found: String)

    // The network that the tensors are for.
    case missingTensor(name: String, expected: Shape)
    case unexpectedTensor(name: String, shape: Shape)
    case shapeMismatch(name: String, found: Shape, expected: Shape)
    case nonFinite(name: String, index: Int, value: String)
    case negativeVariance(name: String, index: Int, value: String)
    case unknownArchitecture(found: [String])
    /// - Parameters:
    ///   - differences: the first of them.
    ///   - count: of all differences.
    indirect case fitsNoArchitecture(closest: String, differences: [CheckpointError], count: Int)
    /// A network far from all that are known.
    ///
    /// - Parameters:
    ///   - looksLike: whose names it has, where that is known.
    ///   - examples: its first tensors.
    ///   - count: of its tensors.
    case unservedNetwork(looksLike: String?, examples: [String], count: Int)
    /// More than one network, or one network and other layers.
    ///
    /// - Parameters:
    ///   - networks: each as `"model." is resnet18`.
    ///   - others: the beginnings of the names of what is none.
    case severalNetworks(networks: [String], others: [String])
    /// No tensor's name begins as `model.json` says.
    case nothingUnderPrefix(String)
    /// The input's size, paddings and poolings do not lead to what a layer takes.
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
    /// The bytes of a checkpoint's file, all of one moment.
    ///
    /// - Throws: ``CheckpointError/file(_:)``
    static func checkpoint(at path: String, maxByteCount: Int) throws(CheckpointError) -> AlignedBuffer {
        do throws(FileError) {
            return try contents(of: path, maxByteCount: maxByteCount)
        } catch {
            throw .file(error)
        }
    }
}
