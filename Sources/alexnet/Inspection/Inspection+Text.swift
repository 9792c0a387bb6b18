import Foundation
import Inference

extension Inspection {
    /// No more classes than this are named.
    private static let maxClassCount = 20

    /// Tables for people.
    var text: String {
        var lines = heading
        let width = nameWidth
        func row(_ name: String, _ kind: String, _ shape: String, _ parameters: String, _ products: String) -> String {
            self.row(name, kind, shape, parameters, products, nameWidth: width)
        }
        if let layers {
            lines += ["", row("layer", "kind", "output", "parameters", "multiply-adds")]
            lines += layers.map { layer in
                row(
                    layer.name, layer.kind, "\(Shape(layer.output))", number(layer.parameters),
                    number(layer.multiplyAdds))
            }
            lines.append(row("all", "", "", number(parameters), number(multiplyAdds ?? 0)))
            lines.append("\(Count.grouped(flops ?? 0)) FLOPs a picture")
        } else {
            lines += ["", row("tensor", "type", "shape", "numbers", "")]
            lines += tensors.map { row($0.name, $0.type, "\(Shape($0.shape))", number($0.count), "") }
            lines.append(row("all", "", "", number(parameters), ""))
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private var heading: [String] {
        var lines = [
            "file           \(path)",
            "format         \(format), \(types.joined(separator: " and ")), \(Count.grouped(byteCount)) bytes",
        ]
        func add(_ label: String, _ value: String?) {
            if let value { lines.append(label.padding(toLength: 15, withPad: " ", startingAt: 0) + value) }
        }
        add("architecture", architecture ?? "unknown")
        add("version", version)
        add("precision", precision)
        add("input", input.map { "\(Shape($0))" })
        add("preprocessing", preprocessing?.text)
        add(
            "classes",
            classes.map { names in
                "\(names.count): " + names.prefix(Self.maxClassCount).joined(separator: ", ")
                    + (names.count > Self.maxClassCount ? ", …" : "")
            })
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) { add("metadata", "\(key): \(value)") }
        if !skipped.isEmpty { add("left out", skipped.joined(separator: ", ")) }
        add("note", note)
        for note in notes { add("note", note + ".") }
        for assumption in assumptions { add("assumed", assumption) }
        return lines.map(Self.printable)
    }

    private func number(_ number: Int) -> String { number == 0 ? "" : Count.grouped(number) }

    /// That of the longest name, within reason.
    private var nameWidth: Int {
        min(max((layers?.map(\.name) ?? tensors.map(\.name)).map(\.count).max() ?? 0, 6), 40)
    }

    private func row(
        _ name: String, _ kind: String, _ shape: String, _ parameters: String, _ products: String, nameWidth: Int
    ) -> String {
        let line =
            left(name, nameWidth + 2) + left(kind, layers == nil ? 10 : 36) + left(shape, 20) + right(parameters, 14)
            + right(products, 16)
        return String(line.reversed().drop { $0 == " " }.reversed())
    }

    private func left(_ text: String, _ width: Int) -> String {
        let text = Self.printable(text)
        return text + String(repeating: " ", count: max(1, width - text.count))
    }

    private func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(1, width - text.count)) + text
    }

    /// Names from a file may hold what would move a terminal's cursor.
    private static func printable(_ text: String) -> String {
        String(
            String.UnicodeScalarView(text.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }))
    }
}
