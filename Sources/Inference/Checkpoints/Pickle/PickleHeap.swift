/// The containers, storages and tensors that a pickle has made.
struct PickleHeap: Sendable {
    typealias Entry = (key: PickleValue, value: PickleValue)

    var tuples: [[PickleValue]] = []
    var lists: [[PickleValue]] = []
    /// In the order of insertion; a key may stand there twice.
    var dictionaries: [[Entry]] = []
    var storages: [PickledStorage] = []
    /// Those without a storage were made empty and never filled.
    var tensors: [PickledTensor?] = []
    var bytes: [PickledBytes] = []
    var longTexts: [ByteRegion] = []
    var arrayTypes: [PickledArrayType] = []
    /// Those without contents were made and never filled.
    var arrays: [PickledArray?] = []

    /// What a name or another short text says, whether Python 3 wrote it as text, or Python 2 or a script as bytes.
    func text(_ value: PickleValue) -> String? {
        switch value {
        case .string(let text): text
        case .bytes(let index): bytes[index].text
        default: nil
        }
    }

    mutating func makeTuple(_ items: [PickleValue]) -> PickleValue {
        tuples.append(items)
        return .tuple(tuples.count - 1)
    }

    mutating func makeList(_ items: [PickleValue]) -> PickleValue {
        lists.append(items)
        return .list(lists.count - 1)
    }

    mutating func makeBytes(_ region: ByteRegion) -> PickleValue {
        bytes.append(PickledBytes(region))
        return .bytes(bytes.count - 1)
    }

    mutating func makeDictionary(_ entries: [Entry]) -> PickleValue {
        dictionaries.append(entries)
        return .dictionary(dictionaries.count - 1)
    }
}
