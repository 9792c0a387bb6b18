/// What `numpy.dtype` was asked for: the type of an array's elements.
///
/// - Source: NumPy's `dtype.__reduce__` and `dtype.__setstate__`
struct PickledArrayType: Sendable, Equatable {
    /// As `f4`, without a byte order.
    let name: String
    /// `<`, `>` or `|`; nil until the state is set.
    var byteOrder: String?
    /// Whether an element is several numbers.
    var isStructured = false

    /// NumPy's own spelling, as `<f4`; a type whose elements are several numbers is `|V`, followed by its size.
    var description: String { isStructured ? "a structured type" : (byteOrder ?? "<") + name }

    /// Whether the elements are Python's own objects.
    var isObject: Bool { ["O", "O4", "O8", "|O", "|O4", "|O8"].contains(name) }
}
