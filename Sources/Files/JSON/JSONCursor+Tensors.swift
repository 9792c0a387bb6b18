extension JSONCursor {
    /// Reads the values of a tensor in one pass: in one array, or in arrays nested as the shape says.
    ///
    /// - Parameters:
    ///   - extents: what the shape says; a value more or less is an error, noticed where it stands.
    ///   - readValue: reads one value and puts it away.
    package mutating func readTensor(
        _ extents: [Int], _ readValue: (inout JSONCursor) throws(Failure) -> Void
    ) throws(Failure) {
        skipSpaces()
        let start = offset
        try expect("[")
        let isNested = takes("[") && extents.count > 1
        offset = start
        guard !isNested else { return try readLevel(extents[...], readValue) }
        try readLevel([extents.reduce(1, *)], readValue)
    }

    private mutating func readLevel(
        _ extents: ArraySlice<Int>, _ readValue: (inout JSONCursor) throws(Failure) -> Void
    ) throws(Failure) {
        guard let count = extents.first else { return try readValue(&self) }
        let inner = extents.dropFirst()
        try expect("[")
        for index in 0..<count {
            if index > 0, !takes(",") { throw wrongCount("\(index)", count) }
            if index == 0, peeked == UInt8(ascii: "]") { throw wrongCount("no", count) }
            if inner.isEmpty { try readValue(&self) } else { try readLevel(inner, readValue) }
        }
        if takes(",") { throw wrongCount("more", count) }
        try expect("]")
    }

    private mutating func wrongCount(_ found: String, _ count: Int) -> Failure {
        guard let byte = peeked, byte == UInt8(ascii: "]") || found == "more" else { return unexpected("',' or ']'") }
        return Failure(
            JSONError(
                offset: offset, found: "an array of \(found) values", expected: "one of \(count), as the shape says"))
    }
}
