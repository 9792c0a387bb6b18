import HTTPServer

/// A request is answered before any picture is looked at.
struct Refusal: Error {
    let response: Response
}
