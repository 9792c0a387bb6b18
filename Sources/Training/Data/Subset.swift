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
