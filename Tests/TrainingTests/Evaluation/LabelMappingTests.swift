import Testing

@testable import Training

@Suite(.timeLimit(.minutes(2))) struct LabelMappingTests {
    private static let model = ["T-shirt/top", "Trouser", "Bag"]

    @Test func `the same names are the same classes, and there is nothing to say`() throws {
        let mapping = try LabelMapping(dataClasses: Self.model, modelClasses: Self.model)
        #expect(mapping.indices == [0, 1, 2])
        #expect(mapping.note == nil)
    }

    @Test func `folders' order and spelling make no difference, which is said`() throws {
        let mapping = try LabelMapping(dataClasses: ["bag", "t-shirt_top", "trouser"], modelClasses: Self.model)
        #expect(mapping.indices == [2, 0, 1])
        #expect(mapping.note == "The data have the model's classes in another order; classes are matched by name.")
        let part = try LabelMapping(dataClasses: ["Bag", "Trouser"], modelClasses: Self.model)
        #expect(part.indices == [2, 1])
        #expect(part.note == "The data have 2 of the model's 3 classes.")
    }

    @Test func `repeated names are matched by their place where the lists are equal`() throws {
        #expect(
            try LabelMapping(dataClasses: ["crane", "crane"], modelClasses: ["crane", "crane"]).indices == [0, 1])
    }

    @Test(arguments: [
        (
            ["Bag", "Shoe"], EvaluationError.unknownClass(name: "Shoe", known: model),
            "The data's class \"Shoe\" is none of the model's: T-shirt/top, Trouser, Bag."
        ),
        (
            ["Bag", "Dress", "Trouser", "Shoe"], .moreClasses(data: 4, model: 3, example: "Dress"),
            "The data have 4 classes and the model has 3; it does not know \"Dress\", for example. Are these the "
                + "data of another model?"
        ),
        (
            ["Bag", "bag"], .ambiguousClass(name: "bag"),
            "The data's class \"bag\" matches several of the model's classes, or one that another class matches too."
        ),
    ])
    func `classes that the model does not know are named`(
        _ names: [String], _ expected: EvaluationError, _ sentence: String
    ) {
        let error = #expect(throws: EvaluationError.self) {
            try LabelMapping(dataClasses: names, modelClasses: Self.model)
        }
        #expect(error == expected)
        #expect(error?.description == sentence)
    }
}
