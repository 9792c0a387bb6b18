/// Divides the rows of a step into blocks.
enum BlockCount {
    /// The number of blocks of one unit.
    ///
    /// If threads share few blocks, there are as many for each of them, so that all finish at about the same time.
    /// - Parameters:
    ///   - rows: the rows of a unit.
    ///   - most: the most rows of a block.
    ///   - least: the fewest rows that are worth a block of their own.
    ///   - units: how often the same rows are divided: once for each image, or group.
    static func of(rows: Int, most: Int, least: Int = 1, units: Int, threadCount: Int) -> Int {
        let count = (rows + most - 1) / most
        guard threadCount > 1, units * count < manyBlocks * threadCount else { return count }
        let even = (units * count + threadCount - 1) / threadCount * threadCount
        return max(count, min((even + units - 1) / units, max(1, rows / least)))
    }

    /// With as many blocks for each thread, it matters little that one of them has one more.
    private static let manyBlocks = 8
}
