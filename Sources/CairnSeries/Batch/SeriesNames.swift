internal import CairnBytes

/// Where names of series are: an attachment of the log.
package struct NamesReference: Sendable, Hashable {
    /// SHA-256 with salt, as the log cites it: 32 bytes.
    package var digest: [UInt8]
    package var byteCount: Int

    package init(digest: [UInt8], byteCount: Int) {
        self.digest = digest
        self.byteCount = byteCount
    }
}

/// Names of series as an attachment of its own (FORMAT.md, section 8), so that small batches of the same series need
/// not bring them every time.
package enum SeriesNames {
    package static let mediaType = "application/vnd.cairn.series-names.v1"

    private static let magic: [UInt8] = Array("CRNN".utf8)
    private static let version: UInt8 = 1

    /// - Parameter keys: ascending, each once.
    package static func encode(_ keys: [SeriesKey]) -> [UInt8] {
        var output = ByteWriter(capacity: 1024)
        output.append(magic)
        output.append(version)
        output.append(UInt32(keys.count))
        let encoded = WindowKeys.encode(keys)
        output.append(Checksum.masked(Checksum.crc32(encoded)))
        output.append(encoded)
        return output.bytes
    }

    package static func decode(_ bytes: [UInt8]) throws(SampleBatchError) -> [SeriesKey] {
        do {
            var input = ByteReader(bytes)
            guard try input.read(count: magic.count) == magic else {
                throw SampleBatchError(reason: "names do not begin with CRNN")
            }
            let version = try input.read(UInt8.self)
            guard version == self.version else {
                throw SampleBatchError(reason: "version \(version) of names is unknown; a newer Cairn may read it")
            }
            let count = Int(try input.read(UInt32.self))
            let crc = try input.read(UInt32.self)
            let rest = try input.read(count: input.remaining)
            guard Checksum.masked(Checksum.crc32(rest)) == crc else {
                throw SampleBatchError(reason: "the checksum of names does not match")
            }
            return try decode(keys: rest, count: count)
        } catch let error as SampleBatchError {
            throw error
        } catch {
            throw SampleBatchError(reason: "\(error)")
        }
    }

    static func decode(keys bytes: [UInt8], count: Int) throws -> [SeriesKey] {
        guard count <= SampleBatch.seriesMax else { throw SampleBatchError(reason: "\(count) series are too many") }
        do { return try WindowKeys.decode(bytes, count: count) } catch let error as PackedNumbersError {
            throw SampleBatchError(reason: "in the names, \(error.reason)")
        }
    }
}
