package import CairnBytes
internal import CairnModel
package import CairnReadModels
package import CairnWeb

/// The recorded findings of dropped traffic.
package enum DropsBuilder {
    private static let pageSize = 20
    /// Pictures are most of a page; the finding's own page has the others.
    private static let chartsMax = 6
    private static let attributionMax = 8

    /// - Parameters:
    ///   - source, target: nil for all clusters.
    ///   - page: from 1.
    package static func build(
        source: String?, target: String?, readModel: ReadModel, now: Timestamp, page: Int = 1
    ) throws -> DropsDocument {
        let page = min(max(1, page), 1_000_000)
        let rows = try readModel.rows(
            """
            SELECT f.finding, f.kind, f.status, f.cluster, f.side, f.start_us, f.end_us, f.occurred_us, f.data,
              f.last_position, f.position, f.muted_by, f.false_by, f.acknowledged_by, f.status_reason,
              \(FleetBuilder.isSilenced) AS silenced, count(*) OVER () AS count,
              (SELECT l.incident FROM incident_findings AS l WHERE l.finding = f.finding ORDER BY l.position DESC LIMIT 1)
                AS incident
            FROM findings AS f
            WHERE f.kind IN ('reject', 'unanswered', 'reset', 'asymmetric') AND f.data IS NOT NULL
              AND (:source IS NULL OR f.source_cluster = :source) AND (:target IS NULL OR f.target_cluster = :target)
            ORDER BY f.status = 'open' DESC, silenced, f.start_us DESC, f.position DESC
            LIMIT \(pageSize) OFFSET :offset
            """,
            [
                "source": .optional(source), "target": .optional(target), "now": .integer(now.microseconds),
                "offset": .integer(Int64((page - 1) * pageSize)),
            ])
        var pair: TimelineDocument.ClusterNames?
        if let source, let target { pair = .init(source: source, target: target) }
        return DropsDocument(
            pair: pair,
            findings: rows.enumerated().compactMap { finding($0.element, drawsChart: $0.offset < chartsMax, now) },
            count: rows.first?.count("count") ?? 0, pageSize: pageSize, page: page,
            reaches: try reaches(pair, readModel))
    }

    private static func finding(_ row: AnswerRow, drawsChart: Bool, _ now: Timestamp) -> DropsDocument.Finding? {
        guard let line = FindingRows.line(row), let text = row.text("data"),
            let data = try? JSONParser.parse(text).value
        else { return nil }
        let attribution = (data["attribution"]?.array ?? []).prefix(attributionMax).compactMap { one in
            one["dimension"]?.string.map { dimension in
                DropsDocument.Attribution(
                    dimension: dimension, values: (one["values"]?.array ?? []).compactMap(\.string),
                    explained: one["explained"]?.double ?? 0)
            }
        }
        var root: DropsDocument.Attribution?
        if let scope = data["root"]?["scope"]?.object, let explained = data["root"]?["explained"]?.double {
            root = DropsDocument.Attribution(
                dimension: scope.names.joined(separator: " and "),
                values: scope.members.map { ($0.value.array ?? []).compactMap(\.string).joined(separator: " or ") },
                explained: explained)
        }
        var chart: Chart?
        if drawsChart {
            var state = FindingState()
            state.data = data
            state.isOpen = true
            chart = FindingExplanation.make(id: line.id, state: state, sources: [], now: now).charts.first
            chart?.title = "\(FindingText.headline(data)), minute by minute"
        }
        let reason = data["reason"]?.string ?? line.title
        return DropsDocument.Finding(
            id: line.id, sentence: reason, kind: line.kind, cluster: row.text("cluster") ?? "?",
            peer: FindingText.peer(data), side: row.text("side") ?? "unpaired",
            owner: data["owner"]?.string ?? "unknown",
            isOpen: line.isOpen, note: line.note, counts: line.counts, start: line.start, end: line.end,
            excess: data["excess"]?.double, baseline: data["baseline"]?.double, attribution: attribution, root: root,
            chart: chart, position: line.position,
            evidence: (data["evidence"]?.array ?? []).compactMap { $0.integer.flatMap { UInt64(exactly: $0) } },
            incident: row.text("incident"))
    }

    private static func reaches(
        _ pair: TimelineDocument.ClusterNames?, _ readModel: ReadModel
    ) throws -> [DropsDocument.Reach] {
        let watermarks = try readModel.rows(
            """
            SELECT cluster, latest_s * 1000000 AS latest_us, open_minute * 60000000 AS settled_us FROM flow_watermarks
            WHERE :source IS NULL OR cluster IN (:source, :target) ORDER BY cluster
            """, ["source": .optional(pair?.source), "target": .optional(pair?.target)], most: 500)
        return try watermarks.compactMap { row in
            guard let cluster = row.text("cluster"), let newest = row.time("latest_us"),
                let settled = row.time("settled_us")
            else { return nil }
            let position = try readModel.rows(
                "SELECT position FROM events WHERE stream = :stream ORDER BY revision DESC LIMIT 1",
                ["stream": .text(StreamName(kind: "flows", foreignID: cluster).text)]
            ).first?.position("position")
            return DropsDocument.Reach(cluster: cluster, newest: newest, settled: settled, position: position)
        }
    }
}
