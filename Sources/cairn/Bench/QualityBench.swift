import CairnLedger
import CairnReports
import CairnSim
import CairnWeb

/// `cairn bench --quality-data`: what the analyzer reaches on public data sets, beside what was aimed at and what others
/// reach.
enum QualityBench {
    private static let fileBytesMax: UInt64 = 64 << 20

    static func run(_ folder: String) throws -> [QualityResult] {
        let disk = RealDisk()
        let data = QualityData(
            read: { name in
                let path = "\(folder)/\(name)"
                guard (try? disk.kind(of: path)) == .file else { return nil }
                let handle = try disk.open(path, .read)
                defer { handle.close() }
                return try handle.readAll(limit: fileBytesMax)
            },
            list: { name in
                let path = "\(folder)/\(name)"
                guard (try? disk.kind(of: path)) == .folder else { return [] }
                return try disk.list(path).sorted()
            })
        var rows: [QualityResult] = []
        for (name, part) in [
            ("NAB", NABQuality(data: data).rows), ("PetShop", PetShopQuality(data: data).rows),
            ("Kontrast", KontrastQuality(data: data).rows), ("MAWI", { try recordedLink(data) }),
        ] as [(String, () throws -> [QualityResult])] {
            Terminal.progress(name)
            rows += try part()
        }
        Terminal.endProgress()
        return rows
    }

    /// SYN attacks on a recorded backbone link, found by the judge of drops.
    private static func recordedLink(_ data: QualityData) throws -> [QualityResult] {
        let name = try data.list("mawi").first { $0.hasSuffix(".csv.gz") || $0.hasSuffix(".csv") }
        guard let name, let windows = DropsQualityBench.windows(try data.table("mawi/\(name)")) else {
            return [QualityResult(name: "MAWI", note: "skipped: no data")]
        }
        return DropsQualityBench().recordedLink(windows)
    }
}
