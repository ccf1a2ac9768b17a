import Foundation
import Testing

/// ARCHITECTURE.md says which module may import which; Package.swift makes it so. They have to say the same.
@Suite struct ArchitectureTests {
    private static let top = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private static func text(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: top.appending(path: name)), as: UTF8.self)
    }

    /// Name to imports of every module, as the manifest's table has them.
    private static func manifest() throws -> [String: Set<String>] {
        let products = [
            ".crypto": "Crypto", ".cryptoExtras": "CryptoExtras", ".system": "SystemPackage", ".grdb": "GRDB",
            ".grdbSQLite": "GRDBSQLite",
            ".yams": "Yams", ".hummingbird": "Hummingbird", ".hummingbirdCore": "HummingbirdCore",
            ".hummingbirdTLS": "HummingbirdTLS", ".nioCore": "NIOCore", ".nioPosix": "NIOPosix", ".nioSSL": "NIOSSL",
            ".nioHTTP1": "NIOHTTP1", ".nioHTTPTypes": "NIOHTTPTypes", ".httpTypes": "HTTPTypes", ".logging": "Logging",
            ".lifecycle": "ServiceLifecycle", ".signals": "UnixSignals", ".httpClient": "AsyncHTTPClient",
            ".jwt": "JWTKit",
        ]
        var modules: [String: Set<String>] = [:]
        for part in try text("Package.swift").components(separatedBy: "Module(").dropFirst() {
            guard let name = part.firstMatch(of: /name: "(\w+)"/)?.output.1 else { continue }
            var imports: Set<String> = []
            if let uses = part.firstMatch(of: /uses: \[([^\]]*)\]/)?.output.1 {
                imports = Set(uses.matches(of: /"(\w+)"/).map { String($0.output.1) })
            }
            if let list = part.firstMatch(of: /products: \[([^\]]*)\]/)?.output.1 {
                for product in list.matches(of: /\.\w+/) { imports.insert(products[String(product.output)] ?? "?") }
            }
            modules[String(name)] = imports.subtracting(["CairnBytes", "CairnModel"])
        }
        return modules
    }

    @Test func theTableOfModulesIsTheManifest() throws {
        let manifest = try ArchitectureTests.manifest()
        #expect(manifest.count >= 13)
        var described: [String: Set<String>] = [:]
        for line in try ArchitectureTests.text("ARCHITECTURE.md").split(separator: "\n") {
            let cells = line.split(separator: "|", omittingEmptySubsequences: false).map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            guard cells.count >= 5, cells[1].hasPrefix("`Cairn") else { continue }
            let name = cells[1].filter { $0 != "`" }
            described[name] = Set(cells[3].split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) })
                .subtracting([""])
        }
        #expect(described == manifest)
    }

    @Test func everyModuleHasItsFolders() throws {
        for name in try ArchitectureTests.manifest().keys {
            for folder in ["Sources/\(name)", "Tests/\(name)Tests"] {
                let values = try ArchitectureTests.top.appending(path: folder).resourceValues(forKeys: [.isDirectoryKey]
                )
                #expect(values.isDirectory == true, "\(folder)")
            }
        }
    }

    /// The project speaks of itself alone, and reaches nobody by itself.
    @Test func noSourceReadsAWallClockOrPrints() throws {
        let pure = ["CairnBytes", "CairnModel", "CairnSeries", "CairnFlowLogs", "CairnAnalyzer"]
        for module in pure {
            let folder = ArchitectureTests.top.appending(path: "Sources/\(module)")
            let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
            while let file = files?.nextObject() as? URL {
                guard file.pathExtension == "swift" else { continue }
                let text = String(decoding: try Data(contentsOf: file), as: UTF8.self)
                for banned in ["import Foundation", "Date()", "clock_gettime", "print(", "try!", "SystemRandom"] {
                    #expect(!text.contains(banned), "\(file.lastPathComponent): \(banned)")
                }
            }
        }
    }
}
