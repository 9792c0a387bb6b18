/// The variables that Kubernetes and Docker links set in every container for a service by the program's own name.
///
/// A service called `alexnet` gives its pods `ALEXNET_SERVICE_HOST`, `ALEXNET_PORT=tcp://10.0.0.1:80` and more; one called
/// `alexnet-server` even gives `ALEXNET_SERVER_PORT=tcp://…`. Nobody wrote them to configure this program.
///
/// - Source: Kubernetes documentation, "Service", §Environment variables
enum ServiceLink {
    static func describes(_ variable: String, value: String) -> Bool {
        if variable.hasSuffix("_SERVICE_HOST") || variable.hasSuffix("_SERVICE_PORT") { return true }
        if variable.contains("_SERVICE_PORT_") { return true }
        if variable.hasSuffix("_PORT"), ["tcp://", "udp://", "sctp://"].contains(where: value.hasPrefix) {
            return true
        }
        return variable.contains(/_PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/)
    }
}
