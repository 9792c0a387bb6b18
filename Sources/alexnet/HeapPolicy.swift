import CMalloc

/// How the C library's heap deals with large blocks.
enum HeapPolicy {
    /// From this size on a block is mapped by itself and goes back to the system when it is freed. Units: bytes.
    private static let mappingThreshold: Int32 = 256 << 10

    /// Keeps the heap of a process that runs for months from growing with the odd large request.
    ///
    /// By itself glibc raises the threshold to the largest block that was ever freed, up to 32 MiB; from then on such blocks
    /// leave holes in the heap of each thread.
    /// - Source: mallopt(3), M_MMAP_THRESHOLD.
    static func returnLargeBlocks() {
        #if canImport(Glibc)
            mallopt(M_MMAP_THRESHOLD, mappingThreshold)
        #endif
    }
}
