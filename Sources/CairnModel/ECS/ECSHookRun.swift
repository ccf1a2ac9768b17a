internal import CairnBytes

/// One run of one hook at one stage, put together from what the notices say of it: the first is the call, a later
/// HOOK_IN_PROGRESS the answer "call me again", the last of the others the answer that ends it. Notices are named by
/// their place in the sorted list.
struct ECSHookRun {
    var id: String
    var type: String?
    var stage: String
    var called: Int
    /// False if the call itself was not told, so that only the answer is known.
    var isCallTold: Bool
    var inProgress: Int?
    var final: Int?
    var finalState: ECSNotice.Hook.State?
    var timeoutAction: String?

    var kind: String? {
        switch type {
        case "PAUSE": "pause"
        case "AWS_LAMBDA": "lambda"
        default: id.hasPrefix("ecs-pause-") ? "pause" : nil
        }
    }

    /// By the call.
    static func all(in notices: [ECSNotice]) -> [ECSHookRun] {
        struct Key: Hashable {
            var id: String
            var stage: String
        }
        var places: [Key: Int] = [:]
        var runs: [ECSHookRun] = []
        for (index, notice) in notices.enumerated() {
            guard case .hook(let hook) = notice.meaning else { continue }
            let key = Key(id: hook.id, stage: hook.stage)
            guard let place = places[key] else {
                places[key] = runs.count
                let isCall = hook.state == .awaiting || hook.state == .inProgress
                runs.append(
                    ECSHookRun(
                        id: hook.id, type: hook.type, stage: hook.stage, called: index, isCallTold: isCall,
                        final: isCall ? nil : index, finalState: isCall ? nil : hook.state,
                        timeoutAction: hook.timeoutAction))
                continue
            }
            runs[place].type = runs[place].type ?? hook.type
            runs[place].timeoutAction = runs[place].timeoutAction ?? hook.timeoutAction
            switch hook.state {
            case .awaiting: continue
            case .inProgress:
                if notices[runs[place].called].time < notice.time { runs[place].inProgress = index }
            case .succeeded, .failed, .timedOut:
                runs[place].final = index
                runs[place].finalState = hook.state
            }
        }
        return runs
    }
}

/// One passage through a stage: the hooks that ran in it side by side.
struct ECSVisit {
    var stage: String
    var step: Int?
    /// Places in the list of hook runs, the first first.
    var hooks: [Int]
    var start: Int
    /// Hooks of the stages that moved traffic are called again on the way back.
    var isRollback: Bool
}
