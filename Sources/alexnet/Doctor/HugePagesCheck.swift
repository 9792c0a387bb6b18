import Foundation

/// Whether large buffers get huge pages.
///
/// - Source: Linux, Documentation/admin-guide/mm/transhuge.rst
struct HugePagesCheck: Check {
    static let path = "/sys/kernel/mm/transparent_hugepage/enabled"

    /// The kernel's list with its choice in brackets; nil where it has none.
    let text: String?

    static var here: Self { Self(text: try? String(contentsOfFile: path, encoding: .utf8)) }

    var finding: Finding {
        let name = "huge pages"
        guard
            let choice = text?.split(separator: "[", omittingEmptySubsequences: false).dropFirst().first?.prefix(
                while: { $0 != "]" })
        else {
            return .warning(
                name, "not offered by this kernel",
                advice: "Use a kernel with CONFIG_TRANSPARENT_HUGEPAGE if speed matters; everything works without.")
        }
        if choice == "always" || choice == "madvise" { return .ok(name, "\(choice)") }
        return .warning(
            name, "\(choice)", advice: "For more speed let root run: echo madvise > \(Self.path)")
    }
}
