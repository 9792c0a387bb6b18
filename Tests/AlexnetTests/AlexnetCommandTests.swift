import Testing

@Suite(.timeLimit(.minutes(2))) struct AlexnetCommandTests {
    @Test func `the version is printed`() async throws {
        let run = try await BuiltProgram.run(["--version"])
        #expect(run.code == 0)
        #expect(run.output.wholeMatch(of: /[0-9]+\.[0-9]+\.[0-9]+[^ \n]*\n/) != nil, "\(run.output)")
        #expect(run.error == "")
    }

    @Test(arguments: ["--help", "-h", "help"]) func `the help lists every subcommand`(_ argument: String) async throws {
        let run = try await BuiltProgram.run([argument])
        #expect(run.code == 0)
        for name in ["serve", "predict", "train", "evaluate", "inspect", "convert", "bench", "doctor"] {
            #expect(run.output.contains("\n  \(name) "), "\(name)")
        }
    }

    @Test(arguments: ["serve", "predict", "train", "evaluate", "inspect", "convert", "bench", "doctor"])
    func `each subcommand has a help`(_ name: String) async throws {
        let run = try await BuiltProgram.run([name, "--help"])
        #expect(run.code == 0)
        #expect(run.output.contains("USAGE: alexnet \(name)"))
        #expect(run.error == "")
    }

    @Test func `an unknown subcommand ends with 2 and a suggestion`() async throws {
        let run = try await BuiltProgram.run(["serv"])
        #expect(run.code == 2)
        #expect(run.output == "")
        #expect(
            run.error
                == "Error: There is no subcommand 'serv'; did you mean 'alexnet serve'?\n"
                + "  See 'alexnet --help' for all subcommands.\n")
    }
}
