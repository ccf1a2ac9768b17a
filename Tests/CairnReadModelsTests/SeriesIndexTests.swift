import CairnBytes
import CairnReadModels
import CairnSeries
import CairnTestSupport
import Testing

/// Many series: they are found by their labels, and take little room.
@Suite struct SeriesIndexTests {
    /// A fleet as Kubernetes exporters show it.
    static func fleet(_ count: Int) throws -> SampleBatch {
        let metrics = (0..<20).map { "container_metric_\($0)_total" }
        var series: [SeriesSamples] = []
        series.reserveCapacity(count)
        for index in 0..<count {
            let pod = index / metrics.count
            let app = pod / 10
            series.append(
                SeriesSamples(
                    key: try SeriesKey(
                        name: metrics[index % metrics.count],
                        labels: [
                            Label("app", "app-\(app % 1600)"), Label("cluster", pod % 2 == 0 ? "old" : "new"),
                            Label("container", "main"), Label("job", "kubelet"), Label("namespace", "team-\(app % 40)"),
                            Label("node", "ip-10-0-\(pod % 250)-\(pod % 7).internal"),
                            Label("pod", "app-\(app % 1600)-7d9f8c6b5-\(pod)"),
                        ]), samples: [Sample(timeMs: 0, value: Double(index))]))
        }
        return SampleBatch(series)
    }

    @Test func findsSeriesAsComparingEachDoes() throws {
        let batch = try Self.fleet(2000)
        var list = EventList()
        // In parts, so that lists go on from one event to the next.
        for part in batch.split(samplesMax: 700) { try list.appendBatch(part) }
        let model = try ReadModel.inMemory()
        try model.catchUp(from: list, eventsPerTransaction: 2)
        let memory = MemorySampleSource(batch)
        for text in [
            "container_metric_3_total", "{app=\"app-7\"}", "{app=~\"app-1.*\",cluster=\"old\"}",
            "{pod=~\"app-3-7d9f8c6b5-.*\"}", "{pod!~\"app-3-.*\",node=~\"ip-10-0-1?-.*\"}", "{nothing=\"\"}",
            "{namespace=~\"team-(1|2)\",__name__!=\"container_metric_3_total\"}", "{app!=\"app-7\",app!~\"app-[0-6]\"}",
            "{pod=~\".*-17\"}", "{job=\"kubelet\",container!=\"main\"}",
        ] {
            let selector = try SeriesSelector(parsing: text)
            #expect(
                try model.series(matching: selector, in: .all) == memory.series(matching: selector, in: .all), "\(text)"
            )
        }
        #expect(try model.labelValues("cluster") == ["new", "old"])
        #expect(try model.labelValues("__name__").count == 20)
        #expect(try model.labelValues("nothing") == [])
        let row = try model.query(
            "SELECT name, cluster, app, labels, key FROM series WHERE app = 'app-7' ORDER BY series LIMIT 1"
        ).rows[0]
        #expect(row[0] == "container_metric_0_total")
        #expect(row[1] == "new")
        #expect(
            row[3]
                == .text(
                    #"{"app":"app-7","cluster":"new","container":"main","job":"kubelet","namespace":"team-7","#
                        + #""node":"ip-10-0-71-1.internal","pod":"app-7-7d9f8c6b5-71"}"#))
        #expect(row[4].text?.hasPrefix("container_metric_0_total{app=\"app-7\",cluster=\"new\",") == true)
    }

    /// Labels come from outside: whatever they hold, the view shows them as they are.
    @Test func showsLabelsOfAnyText() throws {
        let values = ["plain", "a\"b\\c\nd", "\u{1}\t\r\u{8}\u{c}\u{1f}", "ünï", "{}[]^-", "'); DROP TABLE series; --"]
        var list = EventList()
        let keys =
            try values.map { try SeriesKey(name: "m", labels: [Label("v", $0)]) } + [SeriesKey(name: "", labels: [])]
        try list.appendBatch(
            SampleBatch(keys.map { SeriesSamples(key: $0, samples: [Sample(timeMs: 0, value: 1)]) }))
        let model = try ReadModel.inMemory()
        try model.catchUp(from: list)
        let rows = try model.query("SELECT labels, key, labels ->> 'v' FROM series ORDER BY series").rows
        let sorted = keys.sorted()
        #expect(rows.map { $0[1].text } == sorted.map(\.description))
        #expect(rows.map { $0[2].text } == sorted.map { $0["v"] })
        for (row, key) in zip(rows, sorted) {
            let object = try JSONParser.parse(row[0].text ?? "").value
            #expect(object["v"]?.string == key["v"])
        }
    }

    /// The room a series takes in the tables that find it. A regression here is paid by every large fleet.
    @Test func takesFewBytesForASeries() throws {
        let count = 20_000
        var list = EventList()
        for part in try Self.fleet(count).split(samplesMax: 7000) { try list.appendBatch(part) }
        let folder = try TemporaryFolder()
        let model = try ReadModel.open(path: folder.file("read-model.sqlite"))
        try model.catchUp(from: list)
        let size = try model.query(
            """
            SELECT sum(pgsize) FROM dbstat WHERE name IN ('label_pairs', 'label_series', 'stored_series')
              OR name LIKE 'series_lookup%' OR name LIKE 'label_pairs_lookup%' OR name LIKE 'series_0'
            """
        ).rows[0][0].double
        let bytes = (size ?? .infinity) / Double(count)
        print("index: \(bytes) bytes for each of \(count) series")
        #expect(bytes < 80)
    }
}
