#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The natural logarithm of the C library: good for a first guess, since its last digit differs between platforms.
func logarithm(_ value: Double) -> Double { log(value) }
