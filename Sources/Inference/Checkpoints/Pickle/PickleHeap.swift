/// The containers, storages and tensors that a pickle has made.
struct PickleHeap: Sendable {
    typealias Entry = (key: PickleValue, value: PickleValue)

    var tuples: [[PickleValue]] = []
    var lists: [[PickleValue]] = []
    /// In the order of insertion; a key may stand there twice.
    var dictionaries: [[Entry]] = []
    var storages: [PickledStorage] = []
    var tensors: [PickledTensor] = []

    mutating func makeTuple(_ items: [PickleValue]) -> PickleValue {
        tuples.append(items)
        return .tuple(tuples.count - 1)
    }

    mutating func makeList(_ items: [PickleValue]) -> PickleValue {
        lists.append(items)
        return .list(lists.count - 1)
    }

    mutating func makeDictionary(_ entries: [Entry]) -> PickleValue {
        dictionaries.append(entries)
        return .dictionary(dictionaries.count - 1)
    }
}
