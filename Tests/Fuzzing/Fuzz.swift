import Foundation

/// libFuzzer on one target: `fuzz TARGET [libFuzzer's options] [corpus folders or files]`; `fuzz --list` names the targets.
///
/// libFuzzer mutates inputs and keeps those that reach new code. An input that crashes, takes longer than `-timeout`, needs
/// more memory than `-rss_limit_mb`, leaks, or breaks what a target asserts, is written to a file.
/// - Source: LLVM, "libFuzzer – a library for coverage-guided fuzz testing", *Using libFuzzer as a library*
@main
enum Fuzz {
    /// What libFuzzer calls with each input. A C function captures nothing, so it is here.
    nonisolated(unsafe) private static var run: ([UInt8]) -> Void = { _ in }

    static func main() {
        if CommandLine.arguments.dropFirst() == ["--list"] {
            for target in FuzzTarget.all {
                print(target.name, target.maxByteCount, target.seeds.joined(separator: " "))
            }
            return
        }
        guard CommandLine.arguments.count > 1,
            let target = FuzzTarget.all.first(where: { $0.name == CommandLine.arguments[1] })
        else {
            print(
                "fuzz TARGET [libFuzzer's options]; the targets are \(FuzzTarget.all.map(\.name).joined(separator: ", "))."
            )
            exit(64)
        }
        run = target.run
        // libFuzzer replaces both by what it has understood.
        let arguments =
            [CommandLine.arguments[0], "-max_len=\(target.maxByteCount)"] + CommandLine.arguments.dropFirst(2)
        var count = Int32(arguments.count)
        let copies = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: arguments.count + 1)
        for (index, argument) in arguments.enumerated() { copies[index] = strdup(argument) }
        copies[arguments.count] = nil
        var pointer = copies
        exit(
            runFuzzer(&count, &pointer) { bytes, count in
                Fuzz.run(Array(UnsafeBufferPointer(start: bytes, count: count)))
                return 0
            })
    }
}

/// libFuzzer's entry.
@_silgen_name("LLVMFuzzerRunDriver")
private func runFuzzer(
    _ count: UnsafeMutablePointer<Int32>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ run: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32
