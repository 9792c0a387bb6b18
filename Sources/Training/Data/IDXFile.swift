import Files
import Inference

/// The bytes of an IDX file of unsigned bytes: a big-endian header, then the values.
///
/// - Source: yann.lecun.com/exdb/mnist, "the IDX file format"
struct IDXFile {
    /// The file they come from.
    let file: DataFile
    /// Header and values.
    let content: AlignedBuffer
    /// The extents the header gives: `[N]` or `[N, H, W]`.
    let extents: [Int]
    /// Where the values begin in ``content``.
    let start: Int

    /// Limits: the most pictures, and the longest side. Units: pixels.
    static let limits = (count: 10_000_000, side: 1024)

    /// - Parameters:
    ///   - rank: 1 for labels, 3 for pictures.
    /// - Throws: ``DatasetError`` where header and size contradict each other, or a number is out of range.
    init(path: String, rank: Int) throws(DatasetError) {
        file = try DataFile(path: path)
        start = 4 + 4 * rank
        let header = file.prefix(start)
        guard header.count == start else {
            throw .truncated(file: file.name, found: header.count, expected: start)
        }
        let numbers = stride(from: 0, to: start, by: 4).map { offset in
            header[offset..<offset + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        }
        let expected = 0x800 | UInt32(rank)
        guard numbers[0] == expected else {
            throw .wrongMagic(file: file.name, found: numbers[0], expected: expected)
        }
        extents = numbers.dropFirst().map(Int.init)
        for (field, limit, found) in checks(of: extents) where !(1...limit).contains(found) {
            throw .extentOutOfRange(file: file.name, field: field, found: found, limit: limit)
        }
        let byteCount = start + extents.reduce(1, *)  // at most 10⁷ · 2²⁰
        guard byteCount <= DataFile.maxByteCount else {
            throw .tooLarge(file: file.name, byteCount: byteCount, limit: DataFile.maxByteCount)
        }
        content = try file.content(byteCount: byteCount)
    }
}

/// What the extents of an IDX file are called, and their limits.
private func checks(of extents: [Int]) -> [(field: String, limit: Int, found: Int)] {
    let (count, side) = IDXFile.limits
    let fields = extents.count == 1 ? ["labels"] : ["pictures", "rows", "columns"]
    return zip(fields, extents).enumerated().map { ($1.0, $0 == 0 ? count : side, $1.1) }
}
