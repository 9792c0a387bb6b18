/// Something that a checkpoint leaves open about its network, and how it was taken.
///
/// Two networks can have the same tensors: a padding, an activation or a normalisation without parameters leaves no trace in
/// names and shapes. Wherever that is so, the likelier network is served and this says which, so that no number is wrong in
/// silence.
public struct Assumption: Sendable, Equatable, CustomStringConvertible {
    /// What is assumed, and what would fit the tensors as well; a sentence without its full stop.
    public let text: String
    /// What to write into `model.json` to settle it: `"padding": 1`.
    public let line: String

    init(_ text: String, line: String) {
        self.text = text
        self.line = line
    }

    /// One sentence with the line to add.
    public var description: String { "\(text); to settle it, add \(line) to the model folder's model.json" }
}
