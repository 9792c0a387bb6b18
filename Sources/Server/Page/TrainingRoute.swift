import Files
import Foundation
import HTTPServer
import HTTPTypes

/// `GET /v1/training`: the histories of the trainings whose folders are in the models directory, also of those that
/// still run beside the server.
struct TrainingRoute: Sendable {
    private let report: CoalescedReport

    /// - Parameter folders: the folders that may hold a `history.csv`, with their names.
    init(folders: @escaping @Sendable () -> [(name: String, path: String)]) {
        report = CoalescedReport("training") {
            let runs = folders().compactMap { TrainingRun(name: $0.name, folder: $0.path) }
            return .json(text: #"{"runs":[\#(runs.map(\.json).joined(separator: ","))]}"#)
        }
    }

    func callAsFunction(_ request: Request) async -> Response { await report() }
}

/// One training's history, as `alexnet train` writes it into the model's folder after each epoch.
struct TrainingRun {
    /// The history as JSON.
    let json: String

    /// The longest history that is read: some 20,000 epochs. Units: bytes.
    static let maxByteCount = 2 << 20

    /// Nil if the folder has no history that can be read.
    init?(name: String, folder: String) {
        let path = folder + "/history.csv"
        var status = stat()
        // A FIFO or a link would lead elsewhere, or hold the thread.
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            let bytes = try? BoundedFile.contents(of: path, limit: Self.maxByteCount),
            let text = String(validating: bytes, as: UTF8.self), let epochs = Self.epochs(text)
        else { return nil }
        let updated = Date(timeIntervalSince1970: TimeInterval(status.st_mtim.tv_sec)).formatted(.iso8601)
        json =
            #"{"name":\#(JSONText.quoted(name)),"updated_at":"\#(updated)","epochs":[\#(epochs.joined(separator: ","))]}"#
    }

    /// The rows as JSON objects; nil if the first line is not a header with `epoch`. A last line without its end is
    /// still being written.
    private static func epochs(_ text: String) -> [String]? {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map {
            $0.split(separator: "\r").first ?? ""
        }
        lines.removeLast()
        let names = lines.first?.split(separator: ",").map { JSONText.quoted(String($0)) } ?? []
        guard names.first == #""epoch""#, names.count <= 64 else { return nil }
        return lines.dropFirst().compactMap { line in
            let cells = line.split(separator: ",", omittingEmptySubsequences: false)
            guard cells.count == names.count else { return nil }
            let members = zip(names, cells).map { name, cell in
                let number = Double(cell)
                return name + ":" + (number.map { $0.isFinite ? $0.description : "null" } ?? "null")
            }
            return "{\(members.joined(separator: ","))}"
        }
    }
}
