import Logging

/// What all connections of a server share.
struct ConnectionContext: Sendable {
    let options: ServerOptions
    let router: Router
    let observer: any ServerObserver
    let logger: Logger
    let registry: ConnectionRegistry
    let bodyBudget: BodyBudget
    let bodyPool: BodyPool
    let date: HTTPDate
    /// Told when a connection is over and its descriptor given back.
    let ended: @Sendable (Int) -> Void
}
