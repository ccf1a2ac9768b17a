import ArgumentParser
import CairnAnalyzer
import CairnBytes
import CairnLedger
import CairnModel
import CairnReadModels
import CairnRecorder
import CairnReports
import CairnWeb

/// How a decision is printed: for people, or for the pipeline that asks.
enum GateFormat: String, CaseIterable, ExpressibleByArgument {
    case table
    case json
    case md
    case ecsHook = "ecs-hook"
    case argo
    case flagger
}

struct GateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gate", abstract: "Whether a phase may begin: pass, fail or undecided, with the reasons.",
        discussion: """
            Findings and checks are combined by the policy in the plan's `gates`, or by a default that is shown. Exits with \
            0 for pass, 1 for fail, 2 for undecided. Muted findings fail no gate and are named with their reason. With \
            --record the analysis and the decision become events, with policy and evidence, and `cairn replay --rejudge` \
            decides again.

            Examples:
              cairn gate --migration harbor-eu-1 --phase shift-traffic
              cairn gate --migration harbor-eu-1 --phase shift-traffic --record -o json
              cairn gate --migration checkout-7 --phase POST_TEST_TRAFFIC_SHIFT -o ecs-hook
              cairn gate --migration harbor-eu-1 --phase decommission --at 2026-03-10T12:00:00Z
            """)

    @Option(help: ArgumentHelp("The migration or deployment.", valueName: "id"))
    var migration: String

    @Option(help: ArgumentHelp("The phase that is to begin.", valueName: "phase"))
    var phase: String

    @Option(help: ArgumentHelp("Decide as it was at this time: on what had happened by then.", valueName: "time"))
    var at: TimeArgument?

    @Flag(help: "Record the findings and the decision.")
    var record = false

    @Option(help: ArgumentHelp("For whom; recorded as said, unchecked.", valueName: "name"))
    var actor: String?

    @Option(name: [.customShort("o"), .customLong("output")], help: "The form of the output.")
    var format: GateFormat = .table

    @OptionGroup var ledger: LedgerArguments
    @OptionGroup var key: KeyArguments

    func validate() throws {
        if record, at != nil { throw ValidationError("--record decides as of now: leave --at out") }
    }

    func run() throws {
        let now = SystemClock().now()
        let decision = record ? try decideAndRecord(at: now) : try decide(at: at?.moment(now: now) ?? now)
        try print(decision)
        switch decision.outcome {
        case .pass: return
        case .fail: throw ExitStatus.finding
        case .undecided: throw ExitStatus.undecided
        }
    }

    private func decide(at moment: Timestamp) throws -> GateDecision {
        let workspace = try Workspace.open(ledger, command: "gate")
        let run = try StatusAnswer.stream(migration, in: workspace)
        return try GateCommand.decision {
            try GateEvaluation(ledger: workspace.ledger, readModel: workspace.readModel)
                .decide(run: run, phase: phase, at: moment)
        }
    }

    /// A plan whose gates nobody can read, and a stage that it does not have, are data that nothing can be done with.
    static func decision<Value>(_ body: () throws -> Value) throws -> Value {
        do { return try body() } catch let error as GatePolicy.PolicyError {
            throw CommandError(
                "\(error)", remedy: "plan the run again with gates that can be read", status: ExitStatus.data)
        } catch let refusal as Refusal where refusal.rule == .unknownStage {
            throw CommandError("cannot decide: \(refusal.explanation)", status: ExitStatus.data)
        }
    }

    private func decideAndRecord(at now: Timestamp) throws -> GateDecision {
        let log = try ledger.openToWrite(command: "gate", key: key)
        let person = LocalActor.current()
        let readModel = try ReadModel.open(path: Workspace.readModelPath(of: try ledger.path()))
        try readModel.catchUp(from: log)
        let workspace = Workspace(ledger: log, readModel: readModel, path: try ledger.path())
        let run = try StatusAnswer.stream(migration, in: workspace)
        let recorder = GateRecorder(
            ledger: log, readModel: readModel, actor: person, clock: SystemClock(), random: SystemRandom())
        let decision = try GateCommand.decision {
            try recorder.decide(run: run, phase: phase, at: now, onBehalfOf: actor)
        }
        try log.close()
        return decision
    }

    private func print(_ decision: GateDecision) throws {
        switch format {
        case .ecsHook: try Terminal.line(CanonicalJSON.string(of: decision.ecsHook))
        case .argo: try Terminal.line(CanonicalJSON.string(of: decision.argoRollouts))
        case .flagger: try Terminal.line(CanonicalJSON.string(of: decision.flagger))
        case .json: try Terminal.line(CanonicalJSON.string(of: decision.json))
        case .table: try Terminal.write(TableRenderer.render(GateAnswer.table(decision, phase: phase), as: .table))
        case .md: try Terminal.write(TableRenderer.render(GateAnswer.table(decision, phase: phase), as: .md))
        }
    }
}

struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Run one check of the catalogue, or all, without recording anything.",
        discussion: """
            Each check is a function over recorded facts. Exits with 1 if any fails, with 2 if all are undecided.

            Examples:
              cairn check --list
              cairn check --migration harbor-eu-1
              cairn check velero-result --migration harbor-eu-1 -o json
            """)

    @Argument(help: "The name of one check.")
    var name: String?

    @Flag(help: "List the catalogue: what each check proves and needs, what a failure means, and the remedy.")
    var list = false

    @Option(help: ArgumentHelp("The migration or deployment.", valueName: "id"))
    var migration: String?

    @Option(help: ArgumentHelp("As it was at this time.", valueName: "time"))
    var at: TimeArgument?

    @OptionGroup var ledger: LedgerArguments
    @OptionGroup var output: OutputArguments

    func run() throws {
        let names = try CheckAnswer.names(name)
        if list { return try output.print(CheckAnswer.catalog(names)) }
        guard let migration else {
            throw CommandError(
                "cannot tell what to check", remedy: "pass --migration ID, or --list", status: ExitStatus.usage)
        }
        let now = SystemClock().now()
        let workspace = try Workspace.open(ledger, command: "check")
        try output.print(CheckAnswer.answer(names, of: migration, workspace, at: at?.moment(now: now) ?? now))
    }
}
