/// Which members of an object have been read; a second one would silently win over the first.
struct SeenMembers {
    private var names: Set<String> = []

    /// - Throws: ``V2Error/repeatedMember(_:)``
    mutating func insert(_ name: String) throws(V2Error) {
        guard names.insert(name).inserted else { throw .repeatedMember(name) }
    }
}
