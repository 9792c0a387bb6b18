import COpenBLAS
import Host

/// The CPU whose kernels OpenBLAS uses.
///
/// OpenBLAS knows CPUs by their model numbers. On one that is newer than the library, it falls back to kernels of SSE3,
/// which multiply at a fifth of the speed (Intel Xeon, family 6 model 207, with OpenBLAS 0.3.21).
public enum OpenBLASKernels {
    /// The name of the CPU whose kernels are in use, as OpenBLAS spells it: `Haswell`, `SkylakeX`.
    public static var name: String { openblas_get_corename().map { String(cString: $0) } ?? "unknown" }

    /// Replaces kernels without AVX2 if this CPU has it. Kernels that `OPENBLAS_CORETYPE` asks for stay.
    ///
    /// Call it before other threads are started, since it changes the environment for a moment.
    public static func chooseForThisCPU() {
        guard let name = replacement(for: name, on: .widest) else { return }
        openblas_choose_core(name)
    }

    /// The kernels to use instead of those that OpenBLAS chose; nil if its choice is as wide as the CPU, or unknown here.
    package static func replacement(for name: String, on instructions: InstructionSet) -> String? {
        guard lacksAVX2(name) else { return nil }
        return switch instructions {
        case .portable: nil
        case .avx2: "Haswell"
        case .avx512, .amx: "SkylakeX"
        }
    }

    /// Whether kernels are of a CPU before AVX2 and FMA.
    ///
    /// - Source: OpenBLAS, driver/others/dynamic.c, `corename`.
    package static func lacksAVX2(_ name: String) -> Bool {
        [
            "katmai", "coppermine", "northwood", "prescott", "banias", "atom", "core2", "penryn", "dunnington",
            "nehalem", "sandybridge", "athlon", "opteron", "opteron_sse3", "barcelona", "bobcat", "bulldozer",
            "piledriver", "steamroller", "nano",
        ].contains(name.lowercased())
    }
}
