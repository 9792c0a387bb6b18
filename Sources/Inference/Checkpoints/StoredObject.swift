/// What a checkpoint has under a weight's name instead of a tensor. It is carried along, and refused where a network needs it.
public struct StoredObject: Sendable, Equatable {
    /// What it is called, without the prefixes that wrappers add.
    public let name: String
    /// What it is: `an object of class argparse.Namespace`.
    public let kind: String
}
