import Glibc
import Host

/// How many files and sockets the system lets this program have open, and what is kept of them for other things than clients.
enum DescriptorLimit {
    /// For models that are loaded, for the log, and for those who are told that there is no place.
    static let reserve = 64 + 2 * ConnectionRegistry.reserve

    /// How many connections there may be: as many as wanted, or as many as leave a reserve; where there are next to no
    /// descriptors, half of them.
    static func connections(of wanted: Int) -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_cur < Int32.max else {
            return wanted
        }
        let available = Int(limit.rlim_cur)
        return max(1, min(wanted, max(available - reserve, available / 2)))
    }
}
