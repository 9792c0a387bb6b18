import Foundation

/// What a server says about its models, as `GET /v1/models` answers.
struct ServedModels: Decodable {
    /// One model.
    struct Entry: Decodable {
        let name: String
        let ready: Bool
        let architecture: String?
        let classes: Int?
        let precision: String?
        let version: String?
        let reason: String?
    }

    let models: [Entry]
    let `default`: String?

    /// Asks a server.
    init(of client: ServerClient) throws {
        let answer = try client.send("GET", "/v1/models")
        guard answer.status == 200 else {
            throw ServerClient.Failure.broken(client.address, reason: answer.detail ?? "it answered \(answer.status)")
        }
        self = try JSONDecoder().decode(Self.self, from: Data(answer.body))
    }
}

/// A table of text, its columns as wide as their widest cell.
enum TextTable {
    static func lines(_ rows: [[String]]) -> String {
        let rows = rows.map { $0.map(\.printable) }
        let columnCount = rows.map(\.count).max() ?? 0
        let widths = (0..<columnCount).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            let cells = row.enumerated().map { index, cell in
                index == row.count - 1 ? cell : cell.padding(toLength: widths[index], withPad: " ", startingAt: 0)
            }
            return cells.joined(separator: "  ") + "\n"
        }.joined()
    }
}
