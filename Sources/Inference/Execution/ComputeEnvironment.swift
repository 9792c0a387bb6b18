import Foundation

/// What the environment does to the arithmetic.
public enum ComputeEnvironment {
    /// Sentences about settings that cost speed; none where all is well.
    public static var warnings: [String] {
        let environment = ProcessInfo.processInfo.environment
        return ["OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"].compactMap { name in
            environment[name].map { value in
                "\(name)=\(value) is set, which overrules what OpenBLAS would choose "
                    + "for this CPU; unset it unless that is meant"
            }
        }
    }
}
