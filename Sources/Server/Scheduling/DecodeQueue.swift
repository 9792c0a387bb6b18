import DequeModule
import Foundation

/// The decode jobs of one model that wait, and which of them is next. It uses neither a clock nor threads.
///
/// Two levels of fair queueing (``FairSchedule``). Clients are served in the order of the time that their jobs have
/// taken. A client's requests are served in the order in which their next jobs would finish: a request of one small
/// image precedes most images of a request with many or large ones.
struct DecodeQueue<Job> {
    /// A job and what is known of it.
    struct Item {
        let id: Int
        let job: Job
        let origin: RequestOrigin
        let cost: ImageCost
    }

    /// A client's requests, by number.
    private typealias Requests = FairSchedule<Int, Deque<Item>>

    private var clients = FairSchedule<String, Requests>()
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    /// Appends a job to those of its request.
    mutating func append(_ job: Job, id: Int, origin: RequestOrigin, cost: ImageCost) {
        let client = clients.index(of: origin.client) ?? append(origin.client)
        if clients[client].isEmpty { clients.rejoin(client) }
        let item = Item(id: id, job: job, origin: origin, cost: cost)
        count += 1
        if let request = clients[client].index(of: origin.request) {
            clients[client][request].append(item)
        } else {
            clients[client].append(origin.request, [item], nextCost: cost.nanoseconds)
        }
    }

    private mutating func append(_ client: String) -> Int {
        clients.removeAll { $0.isEmpty }
        return clients.append(client, Requests())
    }

    /// Takes the first job that may be taken now. The jobs before it keep their places.
    mutating func popNext(where mayTake: (Item) -> Bool = { _ in true }) -> Item? {
        var nextClient = clients.next { !$0.isEmpty }
        while let client = nextClient {
            var nextRequest = clients[client].next()
            while let request = nextRequest {
                if mayTake(clients[client][request][0]) { return pop(client, request) }
                nextRequest = clients[client].next(after: request)
            }
            nextClient = clients.next(after: client) { !$0.isEmpty }
        }
        return nil
    }

    private mutating func pop(_ client: Int, _ request: Int) -> Item? {
        guard let item = clients[client][request].popFirst() else { return nil }
        count -= 1
        clients.begin(client)
        clients.charge(client, item.cost.nanoseconds)
        clients[client].begin(request)
        if let next = clients[client][request].first {
            clients[client].charge(request, item.cost.nanoseconds, nextCost: next.cost.nanoseconds)
        } else {
            clients[client].remove(at: request)
        }
        return item
    }

    /// Corrects a client's time if a job took more or less than estimated. Units: nanoseconds.
    mutating func correct(_ client: String, by nanoseconds: Int) {
        if let index = clients.index(of: client) { clients.charge(index, nanoseconds) }
    }

    /// Drops a job that nobody waits for any more.
    mutating func remove(_ id: Int, of origin: RequestOrigin) {
        guard let client = clients.index(of: origin.client),
            let request = clients[client].index(of: origin.request)
        else { return }
        let before = clients[client][request].count
        clients[client][request].removeAll { $0.id == id }
        count -= before - clients[client][request].count
        if clients[client][request].isEmpty { clients[client].remove(at: request) }
    }
}

/// Which client's request an image belongs to.
struct RequestOrigin: Hashable, Sendable {
    /// The client, see ``ClientKey``.
    var client = ""
    /// The request's number.
    var request = 0
}

/// What counts as one client: an IPv4 address, or the 64-bit prefix of an IPv6 address, which one subscriber has to
/// itself.
///
/// - Source: RFC 6177 §2; RFC 4291 §2.5.5.2
enum ClientKey {
    static func of(_ address: String) -> String {
        guard address.utf8.contains(UInt8(ascii: ":")) else { return address }
        var parsed = in6_addr()
        let text = address.prefix { $0 != "%" }
        guard inet_pton(AF_INET6, String(text), &parsed) == 1 else { return address }
        let bytes = withUnsafeBytes(of: parsed) { Array($0) }
        // An IPv4-mapped address.
        if bytes.starts(with: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]) {
            return bytes[12...].map(String.init).joined(separator: ".")
        }
        return bytes[..<8].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
