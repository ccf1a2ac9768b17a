import CZlib

/// CRC-32 as zlib and gzip use it (polynomial 0xEDB88320).
package enum Checksum {
    package static func crc32(_ bytes: [UInt8]) -> UInt32 { crc32(bytes[...]) }

    package static func crc32(_ bytes: ArraySlice<UInt8>, continuing seed: UInt32 = 0) -> UInt32 {
        unsafe bytes.withUnsafeBufferPointer { buffer in
            UInt32(truncatingIfNeeded: unsafe crc32_z(UInt(seed), buffer.baseAddress, buffer.count))
        }
    }

    package static func crc32(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt32 {
        UInt32(truncatingIfNeeded: unsafe crc32_z(0, bytes.baseAddress, bytes.count))
    }

    /// A CRC that is stored beside data which may hold CRCs itself: rotated and shifted, as LevelDB does, because the
    /// CRC of bytes that contain their own CRC is a constant.
    package static func masked(_ crc: UInt32) -> UInt32 { (crc >> 15 | crc << 17) &+ 0xA282_EAD8 }
}
