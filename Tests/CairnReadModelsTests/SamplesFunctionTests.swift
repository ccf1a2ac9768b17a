import CairnBytes
import CairnModel
import CairnReadModels
import CairnSeries
import CairnTestSupport
import Testing

/// Samples as rows beside the other tables.
@Suite struct SamplesFunctionTests {
    private func model() throws -> ReadModel {
        var list = EventList()
        list.append("cairn.phase.started.v1", "migration/m1", at: 60, ["phase": "shift-traffic"])
        list.append("cairn.phase.completed.v1", "migration/m1", at: 120, ["phase": "shift-traffic"])
        let start: Int64 = 1_773_129_600_000
        var parts: [SeriesSamples] = []
        for (index, app) in ["shop", "mail"].enumerated() {
            let key = try SeriesKey(
                name: "http_requests_total", labels: [Label("app", app), Label("cluster", index == 0 ? "old" : "new")])
            var samples = (0..<12).map { step in
                Sample(timeMs: start + Int64(step) * 15_000 + Int64(index) * 500, value: Double(step * 10 + index))
            }
            if index == 1 {
                samples[11] = .staleMarker(timeMs: samples[11].timeMs)
                samples[10].value = .nan
                samples[9].value = .infinity
            }
            parts.append(SeriesSamples(key: key, samples: samples))
        }
        try list.appendBatch(SampleBatch(parts))
        let model = try ReadModel.inMemory()
        try model.catchUp(from: list)
        return model
    }

    @Test func givesRows() throws {
        let model = try model()
        let result = try model.query(
            """
            SELECT ts, value FROM samples('http_requests_total', '{app="shop"}', '2026-03-10T08:00:30Z',
              '2026-03-10T08:01:15Z')
            """)
        #expect(result.columns == ["ts", "value"])
        #expect(
            result.rows == [
                ["2026-03-10T08:00:30.000Z", .real(20)], ["2026-03-10T08:00:45.000Z", .real(30)],
                ["2026-03-10T08:01:00.000Z", .real(40)],
            ])
        #expect(try model.query("SELECT count(*) FROM samples").rows == [[24]])
        #expect(try model.query("SELECT count(*) FROM samples(NULL, '{cluster=\"new\"}')").rows == [[12]])
        #expect(try model.query("SELECT count(*) FROM samples WHERE metric = 'http_requests_total'").rows == [[24]])
        #expect(try model.query("SELECT count(*) FROM samples('nothing')").rows == [[0]])
        #expect(
            try model.query("SELECT DISTINCT app, cluster, labels, key FROM samples('', '{app=\"mail\"}')").rows == [
                [
                    "mail", "new", #"{"app":"mail","cluster":"new"}"#,
                    #"http_requests_total{app="mail",cluster="new"}"#,
                ]
            ])
        #expect(
            try model.query("SELECT value, note FROM samples(NULL, '{app=\"mail\"}') ORDER BY ts LIMIT 3 OFFSET 9").rows
                == [[.real(.infinity), nil], [nil, "NaN"], [nil, "stale"]])
    }

    @Test func sortsByTimeWithoutASort() throws {
        let model = try model()
        for column in ["ts", "ts_us"] {
            let rows = try model.query("SELECT \(column), app FROM samples('http_requests_total') ORDER BY \(column)")
                .rows
            #expect(rows.count == 24)
            #expect(rows.map { $0[0].description } == rows.map { $0[0].description }.sorted())
            #expect(rows.prefix(4).map { $0[1] } == ["shop", "mail", "shop", "mail"])
            let plan = try model.query(
                "EXPLAIN QUERY PLAN SELECT * FROM samples('http_requests_total') ORDER BY \(column)")
            #expect(!plan.rows.contains { $0.contains { $0.text?.contains("TEMP B-TREE") == true } })
        }
        let down = try model.query("SELECT ts FROM samples('http_requests_total') ORDER BY ts DESC").rows
        #expect(down.map { $0[0].description } == down.map { $0[0].description }.sorted(by: >))
    }

    /// Arguments may come from other tables.
    @Test func joinsWithPhases() throws {
        let result = try model().query(
            """
            SELECT p.phase, s.app, count(*) AS samples, max(s.value) - min(s.value) AS growth
            FROM phases AS p
              JOIN samples('http_requests_total', '{cluster="old"}', p.started_us, p.ended_us) AS s
            GROUP BY p.phase, s.app
            """)
        #expect(result.rows == [["shift-traffic", "shop", 4, .real(30)]])
        let parameters = try model().query(
            "SELECT count(*) FROM samples(:metric, NULL, :from)",
            ["metric": "http_requests_total", "from": "2026-03-10T08:02:30Z"])
        #expect(parameters.rows == [[4]])
    }

    @Test(arguments: [
        ("samples('up', '{app=~\"(\"}')", "character"), ("samples('up', '{app}')", "character 5"),
        ("samples('up', NULL, 'yesterday')", "t0 is no time"), ("samples('up', NULL, NULL, 1.5)", "t1 is neither"),
        ("samples(7)", "metric is no text"), ("samples('up', NULL, NULL, NULL, 'some')", "is not 'every'"),
        ("samples('up', '{a=\"b\"', NULL)", "comma or }"),
    ]) func namesWhatIsWrong(_ call: String, _ text: String) throws {
        let error = #expect(throws: ReadModelError.self) { try self.model().query("SELECT * FROM \(call)") }
        #expect(error?.code == .query)
        #expect(error?.message.contains("samples()") == true, "\(error?.message ?? "")")
        #expect(error?.message.contains(text) == true, "\(error?.message ?? "")")
    }

    @Test func stopsWhenItTakesTooLong() throws {
        let model = try model()
        let error = #expect(throws: ReadModelError.self) {
            try model.query(
                "SELECT count(*) FROM samples AS a, samples AS b, samples AS c, samples AS d, samples AS e",
                limits: QueryLimits(rowsMax: 10, secondsMax: 0.05))
        }
        #expect(error?.code == .timeLimit)
    }

    @Test func rollupsAddUp() throws {
        let model = try model()
        let rows = try model.query(
            """
            SELECT app, sum(samples), min(minimum), max(maximum), sum(total) FROM sample_rollups
            WHERE name = 'http_requests_total' GROUP BY app ORDER BY app
            """
        ).rows
        #expect(
            rows == [
                ["mail", 9, .real(1), .real(81), .real(369)], ["shop", 12, .real(0), .real(110), .real(660)],
            ])
        #expect(
            try model.query("SELECT DISTINCT minute_at, minutes FROM sample_rollups WHERE app = 'shop' ORDER BY 1").rows
                == [["2026-03-10T08:00:00Z", 1], ["2026-03-10T08:01:00Z", 1], ["2026-03-10T08:02:00Z", 1]])
    }
}
