#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The machine's processors.
enum Cores {
    static var count: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }
}
