import CairnModel

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Who runs this process, as the operating system says: a user and a host, which nobody has verified.
enum LocalActor {
    static func current() -> Actor { Actor(id: "\(userName())@\(hostName())", type: "local") }

    private static func userName() -> String {
        guard let entry = unsafe getpwuid(geteuid()), let name = unsafe entry.pointee.pw_name else {
            return "uid-\(geteuid())"
        }
        return unsafe String(cString: name)
    }

    static func hostName() -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        let status = unsafe buffer.withUnsafeMutableBufferPointer { pointer in
            unsafe gethostname(pointer.baseAddress!, pointer.count - 1)
        }
        guard status == 0 else { return "unknown-host" }
        let bytes = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return String(decoding: bytes, as: UTF8.self)
    }
}
