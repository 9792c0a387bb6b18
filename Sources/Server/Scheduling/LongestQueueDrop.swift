/// Who holds how much of something that there is too little of, and who has to give way for another.
///
/// The client that holds most does, as long as it holds more than the newcomer would; and where that is the newcomer itself,
/// its requests that are at least eight times as large as the new one. So a full queue of one client's never locks another out,
/// and a few large requests never lock the small ones out, while requests of one size wait as they came.
///
/// - Source: Suter et al., "Design considerations for supporting TCP with per-flow queueing", INFOCOM 1998: longest queue drop
struct Crowding {
    /// By request, in whatever there is too little of.
    var held: [RequestOrigin: Int]

    /// How many times larger a client's request is that gives way to one of its own.
    private static let ratio = 8

    /// The requests that have to go for `needed` more of a client's to fit; nil where they would not be enough.
    func victims(of needed: Int, from client: String, limit: Int) -> [RequestOrigin]? {
        var held = held
        var clients: [String: Int] = [:]
        for (origin, amount) in held { clients[origin.client, default: 0] += amount }
        var room = limit - held.values.reduce(0, +)
        let own = clients[client, default: 0] + needed
        var victims: [RequestOrigin] = []
        while room < needed {
            guard let largest = clients.max(by: { ($0.value, $0.key) < ($1.value, $1.key) }) else { return nil }
            let isOwn = largest.key == client || largest.value <= own
            // Of equals the one that came last has waited least.
            let candidates = held.filter {
                isOwn ? $0.key.client == client && $0.value / Self.ratio >= needed : $0.key.client == largest.key
            }
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
