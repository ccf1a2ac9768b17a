internal import CairnBytes
internal import CairnModel
internal import CairnReadModels
internal import CairnWeb

/// The phases, playbooks and applications of some runs, asked for together.
struct RunDetails {
    struct Phase {
        var name: String
        var step: Int?
        var attempt: Int
        var status: String
        var reason: String?
        var started: Timestamp?
        var ended: Timestamp?
        var startedBy: String?
        var position: UInt64
        var endPosition: UInt64?
    }

    /// In the order of the log, by run.
    private(set) var phases: [String: [Phase]] = [:]
    private(set) var applications: [String: Int] = [:]
    /// The stages of playbooks that the log registered.
    private var registered: [String: [String]] = [:]

    init(of runs: [String], _ readModel: ReadModel) throws {
        guard !runs.isEmpty else { return }
        let names: [String: SQLValue] = ["runs": .list(runs)]
        for row in try readModel.rows(
            """
            SELECT run, phase, step, attempt, status, reason, started_us, started_by,
              coalesce(ended_us, reverted_us) AS ended_us, position, end_position
            FROM phases WHERE run IN (SELECT value FROM json_each(:runs)) ORDER BY position
            """, names)
        {
            guard let run = row.text("run"), let name = row.text("phase"), let position = row.position("position")
            else {
                continue
            }
            phases[run, default: []].append(
                Phase(
                    name: name, step: row["step"].integer.map { Int(clamping: $0) }, attempt: row.count("attempt"),
                    status: row.text("status") ?? "started", reason: row.text("reason"),
                    started: row.time("started_us"),
                    ended: row.time("ended_us"), startedBy: row.text("started_by"), position: position,
                    endPosition: row.position("end_position")))
        }
        for row in try readModel.rows(
            """
            SELECT run, count(*) AS count FROM applications WHERE run IN (SELECT value FROM json_each(:runs)) GROUP BY run
            """, names)
        {
            if let run = row.text("run") { applications[run] = row.count("count") }
        }
        for row in try readModel.rows("SELECT playbook, stages FROM playbooks ORDER BY playbook, version", most: 1000) {
            guard let playbook = row.text("playbook"), let text = row.text("stages"),
                let stages = try? JSONParser.parse(text).value.array
            else { continue }
            registered[playbook] = stages.compactMap(\.string)
        }
    }

    /// What a run is called.
    static func title(_ row: AnswerRow) -> String {
        if let title = row.text("title"), !title.isEmpty { return title }
        let stream = row.text("run") ?? "?"
        return stream.firstIndex(of: "/").map { String(stream[stream.index(after: $0)...]) } ?? stream
    }

    /// The names of the stages of a playbook; empty if nobody knows it.
    func stageNames(playbook: String?) -> [String] {
        guard let playbook else { return [] }
        return PlaybookLibrary.builtIn[playbook]?.stages.map(\.name) ?? registered[playbook] ?? []
    }

    /// The stages of a run's playbook and those it has besides, with what became of each. What was passed over without
    /// a beginning is `skipped`.
    func stages(of run: String, playbook: String?) -> [FleetDocument.Stage] {
        let told = phases[run] ?? []
        var status: [String: String] = [:]
        for phase in told { status[phase.name] = phase.status }
        var names = stageNames(playbook: playbook)
        for phase in told where !names.contains(phase.name) { names.append(phase.name) }
        let last = names.lastIndex { status[$0] != nil } ?? 0
        return names.enumerated().map { index, name in
            FleetDocument.Stage(name: name, status: status[name] ?? (index < last ? "skipped" : nil))
        }
    }
}
