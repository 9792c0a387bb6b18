/// A picture that was taken for something else.
public struct Mistake: Sendable, Equatable {
    /// Where the picture is: its path, or the file and the place in it.
    public let name: String
    /// The true class's index in the model's class map.
    public let label: Int
    /// The class that it was taken for.
    public let predicted: Int
    /// How likely that class was said to be, 0…1.
    public let probability: Double
    /// −ln of the true class's probability.
    public let loss: Double
}
