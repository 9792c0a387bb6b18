import HTTPServer

extension ModelStore {
    /// The model that a request's path names.
    ///
    /// - Throws: ``Refusal`` of 404 that lists the models there are.
    func slot(of request: Request) throws(Refusal) -> ModelSlot {
        let name = request.pathParameters["model"] ?? ""
        guard let slot = self[name] else { throw Refusal(response: .unknownModel(name, self)) }
        return slot
    }
}
