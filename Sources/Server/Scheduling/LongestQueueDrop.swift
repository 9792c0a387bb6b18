/// Which requests are dropped from a full queue to make room for another one.
///
/// Requests of the client that holds most are dropped, as long as it holds more than the new request's client would. If
/// the latter would hold most, only those of its own requests are dropped that are at least eight times as large as the
/// new one. So one client cannot lock others out, and a few large requests cannot lock small ones out, while requests
/// of one size keep their places.
///
/// - Source: Suter et al., "Design considerations for supporting TCP with per-flow queueing", INFOCOM 1998: longest
///   queue drop
struct LongestQueueDrop {
    /// What each request holds of the scarce resource: images, bytes or pixels.
    var held: [RequestOrigin: Int]

    /// A request is dropped for another one of the same client only if it is at least this many times as large.
    private static let ownSizeRatio = 8

    /// The requests to drop so that `needed` more of a client's fit into `limit`; nil if those would not be enough.
    func victims(for needed: Int, from client: String, limit: Int) -> [RequestOrigin]? {
        var held = held
        var clients: [String: Int] = [:]
        for (origin, amount) in held { clients[origin.client, default: 0] += amount }
        var room = limit - held.values.reduce(0, +)
        let own = clients[client, default: 0] + needed
        var victims: [RequestOrigin] = []
        while room < needed {
            guard let largest = clients.max(by: { ($0.value, $0.key) < ($1.value, $1.key) }) else { return nil }
            let isOwn = largest.key == client || largest.value <= own
            let candidates = held.filter {
                isOwn
                    ? $0.key.client == client && $0.value / Self.ownSizeRatio >= needed : $0.key.client == largest.key
            }
            // Of equals the latest one is dropped: it has waited least.
            guard
                let victim = candidates.max(by: { ($0.value, $0.key.request) < ($1.value, $1.key.request) }),
                victim.value > 0
            else { return nil }
            held[victim.key] = nil
            clients[victim.key.client, default: 0] -= victim.value
            room += victim.value
            victims.append(victim.key)
        }
        return victims
    }
}
