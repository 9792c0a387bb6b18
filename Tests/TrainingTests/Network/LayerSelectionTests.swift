import Testing

@testable import Training

@Suite struct LayerSelectionTests {
    private let known = ["features.0", "features.3", "features.10", "featuresque", "classifier.6"]

    @Test func `a layer is meant by its name, and by that of the part that holds it`() throws {
        #expect(try LayerSelection.layers(["features.0"], of: known) == ["features.0"])
        #expect(try LayerSelection.layers(["features"], of: known) == ["features.0", "features.3", "features.10"])
        #expect(try LayerSelection.layers(["classifier", "features.3"], of: known) == ["classifier.6", "features.3"])
        #expect(try LayerSelection.layers([], of: known) == [])
    }

    @Test(arguments: ["features.1", "feature", "", "classifier.6.weight", "features."])
    func `what means no layer is named`(_ name: String) {
        #expect(throws: TrainingError.unknownLayers(names: [name], known: known)) {
            _ = try LayerSelection.layers([name, "features.0"], of: known)
        }
    }
}
