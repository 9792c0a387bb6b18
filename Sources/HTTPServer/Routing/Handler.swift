/// Answers one request.
///
/// It runs as a task on the thread of its connection's event loop, where nobody else is served until it waits for something: it must
/// not block, and what takes long belongs elsewhere. The task is cancelled when the client hangs up; what it then returns
/// is dropped.
public typealias Handler = @Sendable (Request) async -> Response
