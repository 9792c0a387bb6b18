/// The order of names in which numbers count by their value, component by component: `features.3` before `features.10`, and
/// `fc.1` before `fc1.0`.
enum NaturalOrder {
    /// Compares runs of digits by their value, and all else by characters.
    static func isOrdered(_ left: String, _ right: String) -> Bool { isOrdered(pieces(of: left), pieces(of: right)) }

    /// Puts items in order, and takes each of their names apart but once.
    static func sorted<Item>(_ items: some Sequence<Item>, by name: (Item) -> String) -> [Item] {
        items.map { (item: $0, pieces: pieces(of: name($0))) }
            .sorted { isOrdered($0.pieces, $1.pieces) }.map(\.item)
    }

    private static func isOrdered(_ a: [Piece], _ b: [Piece]) -> Bool {
        for (x, y) in zip(a, b) where x != y {
            if x.isNumber, y.isNumber, x.text.count != y.text.count { return x.text.count < y.text.count }
            return x.text < y.text
        }
        return a.count < b.count
    }

    private struct Piece: Equatable {
        var text: String
        let isNumber: Bool
    }

    private static func pieces(of name: String) -> [Piece] {
        var pieces: [Piece] = []
        for character in name {
            let isDigit = character.isASCII && character.isNumber
            // A dot stands alone, so that a component that goes on comes behind one that ends.
            if let last = pieces.last, last.isNumber == isDigit, character != ".", last.text != "." {
                pieces[pieces.count - 1].text.append(character)
            } else {
                pieces.append(Piece(text: String(character), isNumber: isDigit))
            }
        }
        return pieces
    }
}
