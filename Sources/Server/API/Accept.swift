import HTTPServer
import HTTPTypes

extension Request {
    /// Whether the client prefers a media type to others, by its Accept.
    ///
    /// A browser that opens a page names `text/html`; programs send `*/*`, or nothing. A type that is not named by
    /// itself is not preferred.
    /// - Source: RFC 9110 §12.5.1
    func accepts(_ type: String, over others: [String]) -> Bool {
        let named = headerFields[values: .accept].flatMap { $0.split(separator: ",") }.prefix(64).map(MediaRange.init)
        guard let quality = named.first(where: { $0.type == type })?.quality, quality > 0 else { return false }
        return !named.contains { others.contains($0.type) && $0.quality > quality }
    }
}

/// One element of Accept.
private struct MediaRange {
    let type: String
    /// From 0, not acceptable, to 1.
    let quality: Double

    init(_ text: Substring) {
        let pieces = text.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
        type = pieces.first ?? ""
        quality = pieces.dropFirst().first { $0.hasPrefix("q=") }.map { Double($0.dropFirst(2)) ?? 0 } ?? 1
    }
}
