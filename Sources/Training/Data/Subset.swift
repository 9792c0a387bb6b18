import Inference

/// Some pictures of another data set, in an order of their own.
public struct Subset: Dataset {
    private let whole: any Dataset
    /// Which pictures of the whole.
    public let indices: [Int]

    /// Takes the pictures of these indices.
    public init(_ whole: any Dataset, indices: [Int]) {
        precondition(
            indices.allSatisfy((0..<whole.count).contains), "an index lies outside a data set of \(whole.count)")
        self.whole = whole
        self.indices = indices
    }

    public var classNames: [String] { whole.classNames }
    public var count: Int { indices.count }
    public var leftOut: LeftOutFiles { whole.leftOut }
    public func label(at index: Int) -> Int { whole.label(at: indices[index]) }
    public func name(at index: Int) -> String { whole.name(at: indices[index]) }
    public func picture(at index: Int) throws(DatasetError) -> PixelImage { try whole.picture(at: indices[index]) }
}

/// Two data sets of the same classes, one behind the other.
struct JoinedDatasets: Dataset {
    private let first: any Dataset
    private let second: any Dataset

    init(_ first: any Dataset, _ second: any Dataset) {
        precondition(first.classNames == second.classNames, "data sets of other classes are not joined")
        (self.first, self.second) = (first, second)
    }

    var classNames: [String] { first.classNames }
    var count: Int { first.count + second.count }
    /// Two parts of one folder have left out the same files.
    var leftOut: LeftOutFiles { first.leftOut == second.leftOut ? first.leftOut : first.leftOut + second.leftOut }
    func label(at index: Int) -> Int {
        index < first.count ? first.label(at: index) : second.label(at: index - first.count)
    }
    func name(at index: Int) -> String {
        index < first.count ? first.name(at: index) : second.name(at: index - first.count)
    }
    func picture(at index: Int) throws(DatasetError) -> PixelImage {
        index < first.count ? try first.picture(at: index) : try second.picture(at: index - first.count)
    }
}
