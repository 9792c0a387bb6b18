extension Parameters {
    /// The parameters that fit, as the fewest stretches: what follows one another, with the gap between, is one.
    public func ranges(where isIncluded: (Entry) -> Bool) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var wasIncluded = false
        for entry in entries {
            let isIncluded = isIncluded(entry)
            if isIncluded, wasIncluded, let last = ranges.popLast() {
                ranges.append(last.lowerBound..<entry.range.upperBound)
            } else if isIncluded {
                ranges.append(entry.range)
            }
            wasIncluded = isIncluded
        }
        return ranges
    }
}
