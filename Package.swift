// swift-tools-version: 6.2
import Foundation
import PackageDescription

// Imports go downwards only: a module may import `CairnBytes`, `CairnModel` and what its line below names.
// `tools/build` passes `--explicit-target-dependency-import-check error`, so a missing line does not compile.
// ARCHITECTURE.md has the same table in words, and a test compares the two.

/// One module of Cairn: a folder below `Sources`, with its tests in `Tests/<name>Tests` when `isTested`.
struct Module {
    var name: String
    var uses: [String] = []
    var products: [Target.Dependency] = []
    var resources: [Resource] = []
    var exclude: [String] = []
    var isTested = true
    var testResources: [Resource] = []
    /// What the tests use besides the module itself.
    var testUses: [String] = []
}

extension Target.Dependency {
    static var crypto: Target.Dependency { .product(name: "Crypto", package: "swift-crypto") }
    static var cryptoExtras: Target.Dependency { .product(name: "CryptoExtras", package: "swift-crypto") }
    static var system: Target.Dependency { .product(name: "SystemPackage", package: "swift-system") }
    static var grdb: Target.Dependency { .product(name: "GRDB", package: "GRDB.swift") }
    static var grdbSQLite: Target.Dependency { .product(name: "GRDBSQLite", package: "GRDB.swift") }
    static var yams: Target.Dependency { .product(name: "Yams", package: "Yams") }
    static var argumentParser: Target.Dependency {
        .product(name: "ArgumentParser", package: "swift-argument-parser")
    }
    static var hummingbird: Target.Dependency { .product(name: "Hummingbird", package: "hummingbird") }
    static var hummingbirdCore: Target.Dependency { .product(name: "HummingbirdCore", package: "hummingbird") }
    static var hummingbirdTLS: Target.Dependency { .product(name: "HummingbirdTLS", package: "hummingbird") }
    static var nioCore: Target.Dependency { .product(name: "NIOCore", package: "swift-nio") }
    static var nioPosix: Target.Dependency { .product(name: "NIOPosix", package: "swift-nio") }
    static var nioHTTPTypes: Target.Dependency { .product(name: "NIOHTTPTypes", package: "swift-nio-extras") }
    static var nioHTTP1: Target.Dependency { .product(name: "NIOHTTP1", package: "swift-nio") }
    static var nioSSL: Target.Dependency { .product(name: "NIOSSL", package: "swift-nio-ssl") }
    static var httpTypes: Target.Dependency { .product(name: "HTTPTypes", package: "swift-http-types") }
    static var logging: Target.Dependency { .product(name: "Logging", package: "swift-log") }
    static var lifecycle: Target.Dependency { .product(name: "ServiceLifecycle", package: "swift-service-lifecycle") }
    static var signals: Target.Dependency { .product(name: "UnixSignals", package: "swift-service-lifecycle") }
    static var jwt: Target.Dependency { .product(name: "JWTKit", package: "jwt-kit") }
    static var httpClient: Target.Dependency { .product(name: "AsyncHTTPClient", package: "async-http-client") }
}

/// What tests read by path and not as a resource, if they have it.
func filesRead(byTestsOf module: String) -> [String] {
    ["Golden", "Fixtures"].filter {
        FileManager.default.fileExists(atPath: "\(Context.packageDirectory)/Tests/\(module)Tests/\($0)")
    }
}

let modules: [Module] = [
    Module(name: "CairnBytes", uses: ["CZlib"]),
    Module(name: "CairnModel", uses: ["CairnBytes"], exclude: ["EVENTS.md", "Playbooks/PLAYBOOKS.md"]),
    Module(
        name: "CairnLedger", uses: ["CairnBytes", "CairnModel"], products: [.crypto],
        exclude: ["FORMAT.md"], testUses: ["CairnSim"]),
    Module(
        name: "CairnSeries", uses: ["CairnBytes", "CairnModel"], exclude: ["FORMAT.md"]),
    Module(name: "CairnFlowLogs", uses: ["CairnBytes", "CairnModel"]),
    Module(name: "CairnAnalyzer", uses: ["CairnBytes", "CairnModel", "CairnSeries", "CairnFlowLogs"]),
    Module(name: "CairnYAML", uses: ["CairnBytes"], products: [.yams]),
    Module(
        name: "CairnIngest",
        uses: ["CairnBytes", "CairnModel", "CairnSeries", "CairnFlowLogs", "CairnYAML"],
        products: [.crypto, .cryptoExtras]),
    Module(
        name: "CairnReadModels",
        uses: ["CairnBytes", "CairnModel", "CairnLedger", "CairnSeries", "CairnFlowLogs"],
        products: [.grdb, .grdbSQLite], testUses: ["CairnSim"]),
    Module(name: "CairnWeb", uses: ["CairnBytes", "CairnModel"]),
    Module(
        name: "CairnSim",
        uses: ["CairnBytes", "CairnModel", "CairnLedger", "CairnSeries", "CairnFlowLogs", "CairnAnalyzer"]),
    Module(
        name: "CairnRecorder",
        uses: [
            "CairnBytes", "CairnModel", "CairnLedger", "CairnSeries", "CairnFlowLogs", "CairnAnalyzer", "CairnYAML",
            "CairnIngest", "CairnReadModels",
        ], products: [.crypto], testUses: ["CairnSim"]),
    Module(
        name: "CairnReports",
        uses: [
            "CairnBytes", "CairnModel", "CairnLedger", "CairnSeries", "CairnFlowLogs", "CairnAnalyzer",
            "CairnReadModels", "CairnRecorder", "CairnWeb",
        ], testUses: ["CairnSim"]),
    Module(
        name: "CairnServer",
        uses: [
            "CairnBytes", "CairnModel", "CairnLedger", "CairnSeries", "CairnFlowLogs", "CairnAnalyzer", "CairnYAML",
            "CairnIngest", "CairnReadModels", "CairnRecorder", "CairnReports", "CairnWeb",
        ],
        products: [
            .hummingbird, .hummingbirdCore, .hummingbirdTLS, .nioCore, .nioPosix, .nioSSL, .nioHTTP1, .nioHTTPTypes,
            .httpTypes, .logging, .lifecycle, .signals, .crypto, .httpClient, .jwt,
        ]),
]

/// `CAIRN_MODULES=CairnFlowLogs,CairnAnalyzer swift test` builds and tests these modules and what they import, and
/// nothing else: seconds instead of minutes, since the heavy packages stay out.
let wanted: Set<String>? = Context.environment["CAIRN_MODULES"].map { list in
    var names = Set(list.split(separator: ",").map(String.init))
    var size = 0
    while size != names.count {
        size = names.count
        for module in modules where names.contains(module.name) { names.formUnion(module.uses) }
    }
    return names
}

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

var targets: [Target] = []
for module in modules where wanted?.contains(module.name) ?? true {
    targets.append(
        .target(
            name: module.name, dependencies: module.uses.map { .byName(name: $0) } + module.products,
            exclude: module.exclude, resources: module.resources, swiftSettings: settings))
    // A part of the package tests only the modules that were named, not what they import.
    let isNamed = Context.environment["CAIRN_MODULES"]?.split(separator: ",").contains(Substring(module.name)) ?? true
    guard module.isTested, isNamed else { continue }
    let testUses = wanted == nil ? module.testUses : module.testUses.filter { wanted!.contains($0) }
    targets.append(
        .testTarget(
            name: "\(module.name)Tests",
            dependencies: [.byName(name: module.name), "CairnTestSupport"]
                + (module.uses + testUses).filter { $0 != "CZlib" }.map { .byName(name: $0) } + module.products,
            exclude: filesRead(byTestsOf: module.name), swiftSettings: settings))
}
// No part of the program: tools/fuzz/run builds it.
if Context.environment["CAIRN_FUZZ"] != nil {
    targets.append(
        .executableTarget(
            name: "cairn-fuzz", dependencies: ["CairnBytes", "CairnModel", "CairnSeries", "CairnIngest"],
            path: "tools/fuzz", exclude: ["run"], swiftSettings: settings))
}
targets.append(.systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]))
targets.append(
    .target(
        name: "CairnTestSupport", dependencies: ["CairnBytes"], path: "Tests/CairnTestSupport", swiftSettings: settings)
)
if wanted == nil {
    targets.append(
        .executableTarget(
            name: "cairn", dependencies: modules.map { .byName(name: $0.name) } + [.argumentParser, .crypto, .system],
            swiftSettings: settings))
    targets.append(
        .testTarget(
            name: "CairnCommandTests",
            dependencies: modules.map { .byName(name: $0.name) } + ["CairnTestSupport", "cairn"],
            exclude: filesRead(byTestsOf: "CairnCommand"), swiftSettings: settings))
}

var dependencies: [Package.Dependency] = [
    // Crypto: SHA-256 and Ed25519 (BoringSSL on Linux); 70 s of a first debug build on two cores, 3 MB. CryptoExtras, for
    // the RSA signatures of SNS, another 15 s.
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    // FileDescriptor with typed errors; 5 s, under 1 MB.
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    // SQLite read models, only in CairnReadModels; 60 s, full Foundation (44 MB more when linked statically).
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    // YAML, only in CairnYAML; 15 s, full Foundation.
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    // The command line; 15 s, 2 MB.
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    // HTTP, only in CairnServer, without its Foundation and configuration traits; with SwiftNIO, BoringSSL a second time
    // for TLS and the packages below it 5 minutes of a first release build on two cores, 18 MB.
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
    // Below Hummingbird and named for what CairnServer uses of them: buffers and sockets, certificates, header fields,
    // log lines, the order of starting and stopping. No cost of their own.
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    // Signed tokens of identity providers; with swift-certificates below it 60 s, full Foundation, 4 MB.
    .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
    // Notifications that Cairn sends, and keys and confirmations that it fetches: 30 s, 2 MB.
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
]
// A part of the package asks only for the packages it needs, so that nothing else is resolved or built.
if let wanted {
    let heavy = modules.filter { wanted.contains($0.name) }.flatMap { $0.products }.map { String(describing: $0) }
    dependencies = dependencies.filter { dependency in
        guard case .sourceControl(_, let location, _) = dependency.kind, let name = location.split(separator: "/").last
        else { return true }
        return heavy.contains { $0.contains("\"\(name)\"") }
    }
}

let package = Package(
    name: "cairn",
    platforms: [.macOS(.v15)],
    products: wanted == nil ? [.executable(name: "cairn", targets: ["cairn"])] : [],
    dependencies: dependencies,
    targets: targets
)
