#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The machine's processors.
package enum Cores {
    package static let count = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
}
