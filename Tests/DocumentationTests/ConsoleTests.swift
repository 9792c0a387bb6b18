import Testing

/// Every console block of the documentation, run from a clone's folder.
@Suite("Commands in the documentation", .serialized, .timeLimit(.minutes(5)))
struct ConsoleTests {
    private static let pages = Repository.pages.filter { (try? ConsolePage(named: $0))?.steps.isEmpty == false }

    @Test("print what their page says", .timeLimit(.minutes(3)), arguments: pages)
    func run(page: String) async throws {
        let programs = try #require(BuiltPrograms.folder, "alexnet has not been built beside the tests")
        try await ConsoleSession(ConsolePage(named: page), programs: programs, port: BuiltPrograms.freePort()).run()
    }

    @Test("stand in the README and in both tutorials")
    func coverage() {
        for page in ["README.md", "docs/tutorials/serve.md", "docs/tutorials/train.md", "docs/reference/v2.md"] {
            #expect(Self.pages.contains(page))
        }
    }

    @Test("that print something else, fail, or take no notice of the page are found")
    func mistakes() async throws {
        let programs = try #require(BuiltPrograms.folder)
        for (command, expected) in [("echo two", "one"), ("false", ""), ("echo a; echo b", "a"), ("exit 3", "…")] {
            let page = ConsolePage(name: "mistake", text: "```console\n$ \(command)\n\(expected)\n```\n")
            await #expect(throws: ConsoleSession.Mismatch.self) {
                try await ConsoleSession(page, programs: programs, port: 1).run()
            }
        }
    }

    @Test("share variables and the current folder, and have their port replaced")
    func shared() async throws {
        let programs = try #require(BuiltPrograms.folder)
        let text = """
            ```console
            $ greeting='good day'; cd docs
            $ echo "$greeting :8080"; basename "$PWD"
            good day :8080
            docs
            $ for word in a \\
                b; do echo $word; done
            ab
            ```

            ```sh
            $ exit 1
            ```
            """
        let page = ConsolePage(name: "example", text: text)
        #expect(page.steps.map(\.line) == [2, 3, 6])
        try await ConsoleSession(page, programs: programs, port: 54_321).run()
    }

    @Test("match patterns from beginning to end")
    func patterns() {
        #expect(OutputPattern("a…c").matches("abc"))
        #expect(OutputPattern("a…c…e").matches("a b c d e\n"))
        #expect(OutputPattern("{\"a\":1,\n  \"b\":2}").matches("{\"a\":1,\"b\":2}\n"))
        #expect(OutputPattern("…").matches(""))
        #expect(OutputPattern("").matches("\n"))
        #expect(!OutputPattern("a…c").matches("abcd"))
        #expect(!OutputPattern("a").matches("ab"))
        #expect(!OutputPattern("a…b…c").matches("acb"))
        #expect(!OutputPattern("a b").matches("a c"))
    }
}
