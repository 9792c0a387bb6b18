import DequeModule
import Foundation

/// Work of several clients that waits, and whose turn it is; knows neither clock nor thread.
///
/// Clients share time: the one whose work has taken least goes first, and one that comes back from a rest begins where the
/// others are. Each client's requests share its time in the same way, by what their next piece is estimated to cost: a
/// request of one small image comes before most of one with many or large ones, whoever sent it.
///
/// - Source: Golestani, "A Self-Clocked Fair Queueing Scheme for Broadband Applications", INFOCOM 1994
struct FairLine<Element> {
    /// Work that has been taken out.
    struct Turn {
        let id: Int
        let element: Element
        let origin: RequestOrigin
        let cost: ImageCost
    }

    private struct Flow {
        let request: Int
        var elements: Deque<Turn> = []
        /// When its first piece will be done, in its client's time. Units: nanoseconds.
        var end: Int
    }

    private struct Client {
        let name: String
        var flows: [Flow] = []
        /// What its work has taken, and what was left out for having rested. Units: nanoseconds.
        var time: Int
        /// The end of the piece that was taken last.
        var flowTime = 0
    }

    private var clients: [Client] = []
    /// The time of the client whose turn was last; it never falls.
    private var virtualTime = 0
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    /// Puts a piece behind those of its request.
    mutating func append(_ element: Element, id: Int, origin: RequestOrigin, cost: ImageCost) {
        let client = clients.firstIndex { $0.name == origin.client } ?? begin(origin.client)
        if clients[client].flows.isEmpty { clients[client].time = max(clients[client].time, virtualTime) }
        let turn = Turn(id: id, element: element, origin: origin, cost: cost)
        count += 1
        if let flow = clients[client].flows.firstIndex(where: { $0.request == origin.request }) {
            clients[client].flows[flow].elements.append(turn)
        } else {
            let end = clients[client].flowTime + cost.nanoseconds
            clients[client].flows.append(Flow(request: origin.request, elements: [turn], end: end))
        }
    }

    /// Takes the piece whose turn it is, of those that may be taken now.
    ///
    /// - Parameter decide: is asked of pieces in the order of their turns; see ``Choice``.
    mutating func popNext(_ decide: (Turn) -> Choice = { _ in .take }) -> Turn? {
        var lastClient: (Int, Int)?
        while let client = nextClient(after: lastClient) {
            var lastFlow: (Int, Int)?
            while let flow = nextFlow(of: client, after: lastFlow) {
                switch decide(clients[client].flows[flow].elements[0]) {
                case .take: return take(client, flow)
                case .skip: lastFlow = key(client, flow)
                case .stop: return nil
                }
            }
            lastClient = (clients[client].time, client)
        }
        return nil
    }

    /// The client whose turn comes next, of those with work.
    private func nextClient(after last: (Int, Int)?) -> Int? {
        var next: Int?
        for index in clients.indices where !clients[index].flows.isEmpty {
            let key = (clients[index].time, index)
            if let last, key <= last { continue }
            if let found = next, (clients[found].time, found) < key { continue }
            next = index
        }
        return next
    }

    private func nextFlow(of client: Int, after last: (Int, Int)?) -> Int? {
        var next: (index: Int, key: (Int, Int))?
        for index in clients[client].flows.indices {
            let key = key(client, index)
            if let last, key <= last { continue }
            if let found = next, found.key < key { continue }
            next = (index, key)
        }
        return next?.index
    }

    /// What decides whose turn it is: among equals the request that came first.
    private func key(_ client: Int, _ flow: Int) -> (Int, Int) {
        (clients[client].flows[flow].end, clients[client].flows[flow].request)
    }

    /// What becomes of the piece whose turn it is.
    enum Choice {
        case take
        /// It has to wait, and others may go ahead.
        case skip
        /// It has to wait, and so have all behind it.
        case stop
    }

    /// What a piece took differs from what it was estimated to.
    mutating func correct(_ client: String, by nanoseconds: Int) {
        guard let index = clients.firstIndex(where: { $0.name == client }) else { return }
        clients[index].time += nanoseconds
    }

    /// Takes pieces out that nobody waits for any more.
    mutating func removeAll(of origin: RequestOrigin, where isGone: (Int) -> Bool) {
        guard let client = clients.firstIndex(where: { $0.name == origin.client }),
            let flow = clients[client].flows.firstIndex(where: { $0.request == origin.request })
        else { return }
        let before = clients[client].flows[flow].elements.count
        clients[client].flows[flow].elements.removeAll { isGone($0.id) }
        count -= before - clients[client].flows[flow].elements.count
        if clients[client].flows[flow].elements.isEmpty { clients[client].flows.remove(at: flow) }
    }

    private mutating func take(_ client: Int, _ flow: Int) -> Turn? {
        guard let turn = clients[client].flows[flow].elements.popFirst() else { return nil }
        count -= 1
        virtualTime = max(virtualTime, clients[client].time)
        clients[client].time += turn.cost.nanoseconds
        clients[client].flowTime = max(clients[client].flowTime, clients[client].flows[flow].end)
        if let next = clients[client].flows[flow].elements.first {
            clients[client].flows[flow].end += next.cost.nanoseconds
        } else {
            clients[client].flows.remove(at: flow)
        }
        return turn
    }

    private mutating func begin(_ name: String) -> Int {
        // What a client took counts until the others have caught up.
        clients.removeAll { $0.flows.isEmpty && $0.time <= virtualTime }
        clients.append(Client(name: name, time: virtualTime))
        return clients.count - 1
    }
}

/// Who sent a piece of work.
struct RequestOrigin: Hashable, Sendable {
    /// See ``ClientKey``.
    var client = ""
    /// The request's number.
    var request = 0
}

extension FairLine.Turn: Sendable where Element: Sendable {}

/// What counts as one client: an IPv4 address, or the 64 bits of an IPv6 address that one subscriber has to itself.
///
/// - Source: RFC 6177 §2; RFC 4291 §2.5.5.2
enum ClientKey {
    static func of(_ address: String) -> String {
        guard address.utf8.contains(UInt8(ascii: ":")) else { return address }
        var parsed = in6_addr()
        let text = address.prefix { $0 != "%" }
        guard inet_pton(AF_INET6, String(text), &parsed) == 1 else { return address }
        let bytes = withUnsafeBytes(of: parsed) { Array($0) }
        // An IPv4 address in IPv6's form.
        if bytes.starts(with: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]) {
            return bytes[12...].map(String.init).joined(separator: ".")
        }
        return bytes[..<8].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
