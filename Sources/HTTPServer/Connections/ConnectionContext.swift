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
    /// How many connections there may be.
    let connectionLimits: ConnectionRegistry.Limits
    /// Told when a connection is over and its descriptor given back.
    let ended: @Sendable (Int) -> Void

    /// What a client is told for whom there is no place.
    ///
    /// - Parameter share: that of its address, if that is what is full.
    func shortage(_ share: AddressShare?) -> RequestError {
        let limits = connectionLimits
        return .tooManyConnections(limit: share == nil ? limits.total : limits.perAddress, isShare: share != nil)
    }
}
