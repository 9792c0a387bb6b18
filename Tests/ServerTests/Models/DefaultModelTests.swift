import TestSupport
import Testing

@testable import Server

@Suite("Which model is the default")
struct DefaultModelTests {
    @Test("Chosen among several it is told with the setting that pins it; alone or pinned it is not")
    func chosen() async throws {
        let directory = try ModelDirectory(["aaa", "fashion-mnist"])
        let pinned = try directory.store(defaultName: "fashion-mnist")
        _ = await pinned.loadAll()
        pinned.tellDefault()
        #expect(directory.log("models.default").isEmpty)
        let store = try directory.store()
        _ = await store.loadAll()
        store.tellDefault()
        let lines = directory.log("models.default")
        #expect(lines.count == 1)
        #expect(lines.first?.contains("default=aaa") == true)
        #expect(lines.first?.contains("aaa, fashion-mnist") == true)

        let alone = try ModelDirectory(["fashion-mnist"])
        let single = try alone.store()
        _ = await single.loadAll()
        single.tellDefault()
        #expect(alone.log("models.default").isEmpty)
    }

    @Test("When the default goes, the log says which model has its place, once")
    func changed() async throws {
        let directory = try ModelDirectory(["a", "b", "c"])
        let store = try directory.store()
        _ = await store.loadAll()
        #expect(store.defaultSlot?.name == "a")
        try directory.remove("a")
        await store.look(times: 3)
        for _ in 0..<3 { #expect(store.defaultSlot?.name == "b") }
        let lines = directory.log("another model is the default from now on")
        #expect(lines.count == 1)
        #expect(lines.first?.contains("before=a") == true && lines.first?.contains("default=b") == true)
    }
}
