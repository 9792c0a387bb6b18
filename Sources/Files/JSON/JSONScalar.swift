/// A value without parts, of a member that its reader may or may not know.
package enum JSONScalar: Equatable, Sendable {
    case text(String)
    /// A whole number that is not negative.
    case whole(Int)
    /// Any other number.
    case number
    case bool(Bool)
    case null
}
