import Files
import FoundationEssentials
import HTTPServer
import HTTPTypes

/// `GET /`: the page for browsers, and for programs a map of the routes, which serves as a health check, too.
struct RootRoute: Sendable {
    let health: HealthRoute
    let servesPage: Bool
    private let map: [UInt8]

    /// - Parameter routes: those that are served, as `GET /path`.
    init(health: HealthRoute, servesPage: Bool, routes: [String]) {
        self.health = health
        self.servesPage = servesPage
        map = Self.map(of: routes)
    }

    func callAsFunction(_ request: Request) async -> Response {
        let varies: HTTPFields = [.vary: "Accept"]
        if servesPage, request.accepts("text/html", over: ["application/json"]),
            let file = PageFiles.all["index.html"]
        {
            var response = PageFiles.response(file, to: request)
            response.headerFields.append(HTTPField(name: .vary, value: "Accept"))
            return response
        }
        // Load balancers ask this path whether to send requests here.
        let readiness = await health.ready(request)
        guard readiness.problem == nil else { return readiness }
        var fields = varies
        fields[.contentType] = "application/json"
        return Response(status: .ok, headerFields: fields, body: map)
    }

    /// Each route with its summary from the contract.
    private static func map(of routes: [String]) -> [UInt8] {
        let summaries = ContractSummaries.all
        let members = routes.map { JSONText.quoted($0) + ":" + JSONText.quoted(summaries[$0] ?? "") }
        return Array(
            """
            {"name":"alexnet","version":"\(Version.current)","contract":"/openapi.json","routes":{
              \(members.joined(separator: ",\n  "))
            }}

            """.utf8)
    }
}

/// What the contract says in one line about each route.
enum ContractSummaries {
    private struct Document: Decodable {
        let paths: [String: [String: Operation]]
    }

    private struct Operation: Decodable {
        let summary: String?
    }

    /// By method and path, as in `GET /healthz`.
    static let all: [String: String] = {
        guard let document = try? JSONDecoder().decode(Document.self, from: Data(ContractRoute.document)) else {
            return [:]
        }
        var summaries: [String: String] = [:]
        for (path, operations) in document.paths {
            for (method, operation) in operations { summaries["\(method.uppercased()) \(path)"] = operation.summary }
        }
        return summaries
    }()
}

/// `GET /page/{file}`: what the page is made of.
struct PageFileRoute: Sendable {
    func callAsFunction(_ request: Request) -> Response {
        let name = request.pathParameters["file"] ?? ""
        guard let file = PageFiles.all[name] else {
            return .problem(.notFound, "The page has no file '\(PathAdvice.excerpt(name))'.")
        }
        return PageFiles.response(file, to: request)
    }
}

/// `GET /ping`: TorchServe's and SageMaker's health check.
struct PingRoute: Sendable {
    let health: HealthRoute

    func callAsFunction(_ request: Request) async -> Response {
        let readiness = await health.ready(request)
        return readiness.problem == nil ? .json(text: #"{"status":"Healthy"}"#) : readiness
    }
}
