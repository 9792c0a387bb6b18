/// The program's version.
public enum Version {
    /// By semantic versioning; changed with a release.
    ///
    /// Reported by `alexnet --version`, `GET /v2`, `GET /openapi.json` and the metric `alexnet_build_info`.
    public static let current = "0.2.0"
}
