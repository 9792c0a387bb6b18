/// Answers one request.
///
/// It runs as a task of Swift's cooperative pool, so it must not block. The task is cancelled when the client hangs up;
/// what it then returns is dropped.
public typealias Handler = @Sendable (Request) async -> Response
