/// Finds the known name that a misspelt one probably stands for.
public enum NearestName {
    /// Longer names are not compared: no known one is nearly as long. Units: characters.
    private static let maxLength = 100

    /// The known name with the smallest edit distance; nil if none is similar.
    ///
    /// A known key in the wrong section (`server.max_batch_size`) counts as similar, whatever the section.
    public static func of(_ name: String, among known: [String]) -> String? {
        guard name.count <= maxLength else { return nil }
        if let separator = name.lastIndex(of: "."),
            let moved = known.first(where: { $0.hasSuffix(name[separator...]) })
        {
            return moved
        }
        let distances = known.map { (name: $0, edits: editDistance(Array(name.utf8), Array($0.utf8))) }
        guard let nearest = distances.min(by: { $0.edits < $1.edits }) else { return nil }
        return nearest.edits * 2 <= max(name.utf8.count, nearest.name.utf8.count) ? nearest.name : nil
    }

    /// The Levenshtein distance: how many insertions, deletions and replacements turn one text into the other.
    ///
    /// - Source: Wagner and Fischer 1974
    static func editDistance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var row = Array(0...b.count)
        for (i, byte) in a.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, other) in b.enumerated() {
                let replaced = diagonal + (byte == other ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(replaced, diagonal + 1, row[j] + 1)
            }
        }
        return row[b.count]
    }
}
