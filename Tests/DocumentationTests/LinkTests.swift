import Foundation
import Testing

/// Links between pages of the documentation.
@Suite("Links in the documentation")
struct LinkTests {
    @Test("lead to files and headings that are there", arguments: Repository.pages)
    func links(page: String) throws {
        let text = try String(contentsOf: Repository.url(page), encoding: .utf8)
        let folder = Repository.url(page).deletingLastPathComponent()
        for match in Self.withoutBlocks(text).matches(of: /\]\(([^)\s]+)\)/) {
            let target = String(match.output.1)
            if target.contains("://") || target.hasPrefix("mailto:") { continue }
            let parts = target.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let file = parts[0].isEmpty ? Repository.url(page) : folder.appendingPathComponent(parts[0])
            guard FileManager.default.fileExists(atPath: file.path) else {
                Issue.record("\(page): there is no \(target)")
                continue
            }
            guard parts.count == 2, file.pathExtension == "md" else { continue }
            let headings = Self.anchors(in: try String(contentsOf: file, encoding: .utf8))
            #expect(headings.contains(parts[1]), "\(page): no heading for \(target)")
        }
    }

    @Test("in the index lead to every page")
    func index() throws {
        let index = try String(contentsOf: Repository.url("docs/README.md"), encoding: .utf8)
        for page in Repository.pages where page.hasPrefix("docs/") && page != "docs/README.md" {
            #expect(index.contains("(\(page.dropFirst("docs/".count)))"), "docs/README.md does not list \(page)")
        }
    }

    @Test("are found out where they lead nowhere")
    func anchors() {
        #expect(
            Self.anchors(in: "# A title: `code`, and more\n## Look-alikes\n") == [
                "a-title-code-and-more", "look-alikes",
            ])
        #expect(Self.withoutBlocks("a\n```\n[b](c)\n```\nd") == "a\nd")
    }

    /// The page without its blocks of code, in which nothing is a link.
    private static func withoutBlocks(_ text: String) -> String {
        var isInside = false
        return text.split(separator: "\n", omittingEmptySubsequences: false).filter { line in
            if line.hasPrefix("```") {
                isInside.toggle()
                return false
            }
            return !isInside
        }.joined(separator: "\n")
    }

    /// What GitHub makes of a page's headings.
    private static func anchors(in text: String) -> [String] {
        withoutBlocks(text).split(separator: "\n").filter { $0.hasPrefix("#") }.map { line in
            let title = line.drop { $0 == "#" }.drop { $0 == " " }.lowercased()
            return String(title.filter { $0.isLetter || $0.isNumber || $0 == " " || $0 == "-" || $0 == "_" })
                .replacingOccurrences(of: " ", with: "-")
        }
    }
}
