/// Something that Python would have made with code: an instance of a class, or a function's result. Here it is a name, which
/// nothing can call, and a dictionary where it is used as one.
struct PickleObject: Sendable {
    /// The class or the function, as `argparse.Namespace`.
    let name: String
    /// Whether the name is that of a class.
    var isInstance: Bool
    /// Where the pickle makes it. Units: bytes.
    let offset: Int
    /// The entries of a dictionary's subclass, such as Lightning's `AttributeDict`.
    var dictionary: Int?

    /// For errors: what the object is.
    var kind: String {
        isInstance
            ? "an object of class \(Self.shortened(name))" : "what \(Self.shortened(name)) returns"
    }

    /// A name from the file, short enough for a sentence.
    static func shortened(_ name: String) -> String {
        let scalars = name.unicodeScalars
        return scalars.count > 100 ? "\(String.UnicodeScalarView(scalars.prefix(100)))…" : name
    }

    /// Whether a name looks like that of a class: Python's style guide has them begin with a capital.
    static func isClass(_ name: String) -> Bool {
        name.unicodeScalars.split(separator: ".").last?.first?.properties.isUppercase ?? false
    }
}
