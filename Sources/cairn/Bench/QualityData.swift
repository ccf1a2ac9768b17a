import CairnBytes
import CairnSeries

/// The folder of public data sets that the analyzer's quality is measured on; each that is missing is left out by name.
struct QualityData {
    /// The content of a file below the folder, nil if there is none.
    let read: (String) throws -> [UInt8]?
    /// Names in a folder below it, sorted; none if there is no such folder.
    let list: (String) throws -> [String]

    /// Lines of a text file as comma-separated fields; the sets have no quotes.
    func table(_ path: String) throws -> [[Substring]] {
        guard var bytes = try read(path) else { return [] }
        if path.hasSuffix(".gz") {
            bytes = try Inflate.decompress(bytes, container: .gzip, limit: QualityData.tableBytesMax)
        }
        return QualityData.lines(of: bytes)
    }

    static func lines(of bytes: [UInt8]) -> [[Substring]] {
        String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).map {
            $0.split(separator: ",", omittingEmptySubsequences: false)
        }
    }

    /// The largest file of the sets has 12 MB.
    private static let tableBytesMax = 256 << 20

    func json(_ path: String) throws -> JSONValue? {
        try read(path).map { try JSONParser.parse($0).value }
    }

    static func milliseconds(_ text: Substring) -> Int64? {
        if let seconds = Double(text), seconds.magnitude < 1e12 { return Int64(seconds * 1000) }
        return Timestamp(String(text), allowsMissingZone: true)?.milliseconds
    }
}
