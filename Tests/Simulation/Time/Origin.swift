@testable import HTTPServer

/// The instant at which virtual time begins. The server ranks connections by the time since an epoch of its own, so the
/// distance to that has to be the same in every run.
enum Origin {
    static let instant = EvictionRank.epoch + .seconds(3600)
}
