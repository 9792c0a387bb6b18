/// Where finished log lines go.
protocol LogSink: Sendable {
    /// Takes one whole line, its newline included.
    func append(line: String)
}
