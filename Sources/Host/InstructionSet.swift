import CKernels

/// The vector instructions that the inner loops may use; each set holds those before it.
public enum InstructionSet: String, Sendable, CaseIterable {
    /// What every CPU of the architecture has: SSE2 on x86-64, NEON on arm64.
    case portable
    /// AVX2, FMA and F16C: Intel since Haswell, AMD since Excavator.
    case avx2
    /// AVX-512 F, BW, DQ and VL: Intel since Skylake-SP, AMD since Zen 4.
    case avx512
    /// AVX-512 with VNNI, and AMX tiles of bytes: Intel since Sapphire Rapids, if the operating system lends a process the
    /// registers.
    case amx

    private init(_ set: kernel_instruction_set) {
        switch set {
        case kernel_amx: self = .amx
        case kernel_avx512: self = .avx512
        case kernel_avx2: self = .avx2
        default: self = .portable
        }
    }

    private var kernel: kernel_instruction_set {
        switch self {
        case .portable: kernel_portable
        case .avx2: kernel_avx2
        case .avx512: kernel_avx512
        case .amx: kernel_amx
        }
    }

    /// The widest that this CPU has.
    public static var widest: Self { Self(kernel_widest_instruction_set()) }

    /// What is in use: the widest, or a narrower one that ``limit(to:)`` asked for.
    public static var current: Self { Self(kernel_current_instruction_set()) }

    /// Limits the whole process to this set from now on: to measure what another CPU would do.
    public static func limit(to set: Self) { kernel_limit_instruction_set(set.kernel) }
}
