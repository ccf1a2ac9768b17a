import CairnBytes
import CairnReadModels
import CairnTestSupport
import Foundation
import Testing

/// The dashboards without Grafana: every panel's SQL, with the variables put in as Grafana does it, has to give rows.
@Suite struct DashboardTests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../dashboards")
        .standardized
    static let names = ["findings", "fleet", "migration"]

    private func load(_ name: String) throws -> JSONValue {
        let data = try Data(contentsOf: DashboardTests.folder.appending(path: "\(name).json"))
        return try JSONParser.parse([UInt8](data)).value
    }

    /// 2026-03-10T00:00:00Z to 2026-03-11T00:00:00Z in milliseconds, and a choice for each variable.
    private static let variables = [
        ("$__from", "1773100800000"), ("$__to", "1773187200000"), ("$run", ScriptedLedger.migration),
        ("$cluster", "*"), ("$app", "*"), ("$metric", "http_p99_seconds"),
    ]

    private func filled(_ sql: String) -> String {
        DashboardTests.variables.reduce(sql) { $0.replacingOccurrences(of: $1.0, with: $1.1) }
    }

    private func model(hasFault: Bool) throws -> ReadModel {
        let model = try ReadModel.inMemory()
        try model.catchUp(from: ScriptedLedger.make(hasFault: hasFault))
        return model
    }

    @Test func areAllHere() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: DashboardTests.folder.path)
        #expect(files.filter { $0.hasSuffix(".json") }.sorted() == DashboardTests.names.map { "\($0).json" })
    }

    @Test(arguments: names) func haveTheShapeGrafanaImports(_ name: String) throws {
        let dashboard = try load(name)
        #expect((dashboard["schemaVersion"]?.integer ?? 0) >= 36)
        #expect((8...40).contains(dashboard["uid"]?.string?.utf8.count ?? 0))
        #expect(dashboard["title"]?.string?.isEmpty == false)
        let variables = dashboard["templating"]?["list"]?.array ?? []
        let source = variables.first { $0["type"]?.string == "datasource" }
        #expect(source?["query"]?.string == "frser-sqlite-datasource")
        let names = variables.compactMap { $0["name"]?.string }
        let panels = try #require(dashboard["panels"]?.array)
        let ids = panels.compactMap { $0["id"]?.integer }
        #expect(Set(ids).count == panels.count)
        var cells: Set<[Int64]> = []
        for panel in panels {
            let title = panel["title"]?.string ?? ""
            #expect(!title.isEmpty)
            #expect(panel["description"]?.string?.isEmpty == false, "\(title) says nothing of itself")
            #expect(panel["datasource"]?["uid"]?.string == "${\(source?["name"]?.string ?? "")}")
            let grid = try #require(panel["gridPos"])
            let (x, y) = (grid["x"]?.integer ?? -1, grid["y"]?.integer ?? -1)
            let (width, height) = (grid["w"]?.integer ?? 0, grid["h"]?.integer ?? 0)
            #expect(x >= 0 && y >= 0 && width > 0 && height > 0 && x + width <= 24, "\(title) leaves the grid")
            for column in x..<x + width {
                for line in y..<y + height {
                    #expect(cells.insert([column, line]).inserted, "\(title) lies over another panel")
                }
            }
            // Every variable that a panel uses is one the dashboard has.
            for target in panel["targets"]?.array ?? [] {
                let sql = target["rawQueryText"]?.string ?? ""
                for match in sql.matches(of: /\$([a-z]+)/) { #expect(names.contains(String(match.1)), "\(title)") }
                #expect(target["queryText"] == target["rawQueryText"])
            }
        }
    }

    @Test(arguments: names) func everyPanelHasRows(_ name: String) throws {
        let faulty = try model(hasFault: true)
        let quiet = try model(hasFault: false)
        var text = ""
        var differing = 0
        for panel in try load(name)["panels"]?.array ?? [] {
            let title = panel["title"]?.string ?? ""
            let targets = panel["targets"]?.array ?? []
            #expect(!targets.isEmpty, "\(title) asks nothing")
            for target in targets {
                let sql = filled(try #require(target["rawQueryText"]?.string))
                #expect(!sql.contains("$__") && !sql.contains("'$"), "\(title) has a variable nobody fills")
                let result = try faulty.query(sql)
                #expect(!result.rows.isEmpty, "\(title) has no rows")
                try expectTimeSeries(target, result, title)
                if try quiet.query(sql) != result { differing += 1 }
                text += "\(title)\n" + result.columns.joined(separator: " | ") + "\n"
                text += result.rows.map { $0.map(\.description).joined(separator: " | ") + "\n" }.joined() + "\n"
            }
        }
        #expect(differing > 0, "no panel shows the fault")
        try Golden.expect(text, matches: "dashboards/\(name).txt", in: #filePath)
    }

    /// A time series has a column `time` in whole seconds that ascends, and a number in its last column.
    private func expectTimeSeries(_ target: JSONValue, _ result: QueryResult, _ title: String) throws {
        guard target["queryType"]?.string == "time series" else { return }
        #expect(target["timeColumns"]?.array == ["time"], "\(title)")
        #expect(result.columns.first == "time", "\(title)")
        let times = result.rows.compactMap { $0.first?.integer }
        #expect(times.count == result.rows.count && times == times.sorted(), "\(title)")
        #expect(times.allSatisfy { $0 > 1_773_100_800 && $0 < 1_773_187_200 } || title.contains("per day"), "\(title)")
        #expect(result.rows.allSatisfy { $0.last?.double != nil }, "\(title)")
    }

    @Test(arguments: names) func everyVariableHasChoices(_ name: String) throws {
        let model = try model(hasFault: true)
        for variable in try load(name)["templating"]?["list"]?.array ?? [] where variable["type"]?.string == "query" {
            let result = try model.query(try #require(variable["query"]?.string))
            #expect(result.columns.count == 1 && !result.rows.isEmpty, "\(variable["name"]?.string ?? "")")
        }
    }
}
