internal import CairnBytes

/// A sealed window: samples of many series, sorted by key, as bytes that never change. FORMAT.md describes them.
///
/// Opening one reads its header and directory; keys and groups of values are read when they are asked for, each with a
/// read of its own, so a window in a file costs memory for its directory only.
package struct SampleWindow: Sendable {
    package static let mediaType = "application/vnd.cairn.sample-window.v1"
    /// A window is sealed at once: 16 bytes a sample make this 128 MiB.
    package static let samplesMax = 8 << 20
    /// The directory of so many takes some 160 MB to read.
    package static let seriesMax = 1 << 20
    /// Bytes of a whole window: less than eight million samples and a million keys without any regularity need.
    package static let bytesMax = 512 << 20

    /// What errors call the window, for example its position in the log.
    package let name: String
    let source: any RandomAccessBytes
    let header: WindowHeader
    let directory: WindowDirectory
    /// By group of values: its series, ascending.
    let members: [[Int32]]
    /// By group of times: its time sets, ascending.
    let timeMembers: [[Int32]]

    /// - Parameter name: what errors shall call it.
    package init(reading source: some RandomAccessBytes, name: String = "") throws {
        self.name = name
        self.source = source
        var part = SampleWindowError.Part.header
        do {
            guard source.count >= WindowHeader.length else { throw PackedNumbersError(reason: "it ends early") }
            header = try WindowHeader(try source.read(0..<WindowHeader.length))
            guard header.totalBytes == source.count else {
                throw PackedNumbersError(reason: "it says \(header.totalBytes) bytes and there are \(source.count)")
            }
            part = .directory
            let end = WindowHeader.length + header.directoryBytes
            let bytes = try source.read(WindowHeader.length..<end)
            guard Checksum.masked(Checksum.crc32(bytes)) == header.directoryCRC else {
                throw PackedNumbersError(reason: "its checksum does not match")
            }
            var directory = try WindowDirectory(bytes, counts: header.counts)
            try directory.place(from: end + header.keyBytes, to: source.count)
            (members, timeMembers) = directory.membersOfGroups()
            self.directory = directory
        } catch let error as PackedNumbersError {
            throw SampleWindowError(part, error.reason, window: name)
        } catch let error as ByteError {
            throw SampleWindowError(part, error.reason, offset: error.offset, window: name)
        }
    }

    package var seriesCount: Int { header.counts.series }
    package var sampleCount: Int { header.counts.samples }
    package var groupCount: Int { header.counts.valueGroups }
    package var byteCount: Int { header.totalBytes }
    /// Bytes of the keys, which are the window's share of the index.
    package var keyByteCount: Int { header.keyBytes }
    package var directoryByteCount: Int { header.directoryBytes }

    /// The first and last moment, nil for an empty window.
    package var timeRangeMs: ClosedRange<Int64>? { sampleCount == 0 ? nil : header.first...header.last }

    /// The keys, ascending: one for each number of a series.
    package func keys() throws -> [SeriesKey] {
        let start = WindowHeader.length + header.directoryBytes
        let bytes = try source.read(start..<start + header.keyBytes)
        do {
            guard Checksum.masked(Checksum.crc32(bytes)) == header.keyCRC else {
                throw PackedNumbersError(reason: "its checksum does not match")
            }
            return try WindowKeys.decode(bytes, count: header.counts.series)
        } catch let error as PackedNumbersError {
            throw SampleWindowError(.keys, error.reason, offset: start, window: name)
        } catch let error as ByteError {
            throw SampleWindowError(.keys, error.reason, offset: start + error.offset, window: name)
        } catch let error as InflateError {
            throw SampleWindowError(.keys, "\(error)", offset: start, window: name)
        } catch let error as SeriesKeyError {
            throw SampleWindowError(.keys, "\(error)", offset: start, window: name)
        }
    }

    /// - Parameter series: its number, the place of its key.
    package func summary(of series: Int) -> SeriesSummary {
        let entry = directory.series[series]
        let set = directory.timeSets[entry.timeSet]
        return SeriesSummary(
            count: set.count, first: Sample(timeMs: set.first, value: entry.first),
            last: Sample(timeMs: set.last, value: entry.last), minimum: entry.values.minimum,
            maximum: entry.values.maximum, sum: entry.values.sum, resets: entry.values.resets,
            notNumbers: entry.values.notNumbers, staleMarkers: entry.values.staleMarkers, gapMaxMs: set.gapMax)
    }

    /// By number of the series.
    package var summaries: [SeriesSummary] { (0..<seriesCount).map(summary) }

    /// The group that holds the values of a series, nil if the directory tells them all.
    package func group(of series: Int) -> Int? {
        let group = directory.series[series].group
        return group < 0 ? nil : group
    }
}

extension WindowDirectory {
    /// Sets where the groups lie: values first, then times, one after the other.
    mutating func place(from start: Int, to end: Int) throws {
        var offset = start
        for index in valueGroups.indices {
            valueGroups[index].offset = offset
            offset += valueGroups[index].storedBytes
        }
        for index in timeGroups.indices {
            timeGroups[index].offset = offset
            offset += timeGroups[index].storedBytes
        }
        guard offset == end else {
            throw PackedNumbersError(reason: "its groups end at byte \(offset) of \(end)")
        }
    }

    func membersOfGroups() -> ([[Int32]], [[Int32]]) {
        var values = [[Int32]](repeating: [], count: valueGroups.count)
        for (index, entry) in series.enumerated() where entry.group >= 0 { values[entry.group].append(Int32(index)) }
        var times = [[Int32]](repeating: [], count: timeGroups.count)
        for (index, group) in timeGroupOfSet.enumerated() where group >= 0 { times[group].append(Int32(index)) }
        return (values, times)
    }
}
