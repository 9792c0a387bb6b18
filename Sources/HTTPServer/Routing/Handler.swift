/// Answers one request.
///
/// It runs as a task on its connection's serial queue, so it must not block, and what takes long belongs elsewhere: until it
/// waits for something, nobody notices that the client hangs up. The task is cancelled when it does; what it then returns is
/// dropped.
public typealias Handler = @Sendable (Request) async -> Response
