/// The paths of the HTTP contract; also the label `route` of the metrics.
enum RoutePattern: String, CaseIterable {
    case predict = "/predict"
    case models = "/v1/models"
    case model = "/v1/models/{model}"
    case modelPredict = "/v1/models/{model}/predict"
    case modelReload = "/v1/models/{model}/reload"
    case classes = "/classes"
    case healthz = "/healthz"
    case readyz = "/readyz"
    case metrics = "/metrics"
}
