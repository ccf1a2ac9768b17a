// swift-format-ignore-file: the texts are those of the files, lines as long as there.
// Made from the files of `queries/` by a test (run with UPDATE_GOLDEN=1), which also checks that the two agree.

/// The saved queries that are part of the program.
enum EmbeddedQueries {
    static let texts: [(name: String, text: String)] = [
        (
            "about-application",
            #"""
            -- question: What is there to know about one application?
            -- parameter :application its name
            -- column occurred_at: when it happened
            -- column what: planned, scaled, deployment, phase, finding, kubernetes, task or service
            -- column subject: stream, finding or object it belongs to
            -- column detail: what happened, in words
            -- column cluster: where, if known
            -- column position: place in the log
            SELECT occurred_at, what, subject, detail, cluster, position FROM (
              SELECT a.occurred_at, a.occurred_us, 'planned' AS what, a.run AS subject,
                'to be moved as ' || coalesce(a.class, 'application of no class') AS detail, r.target_cluster AS cluster,
                a.position
              FROM applications AS a LEFT JOIN runs AS r ON r.run = a.run WHERE a.application = :application
              UNION ALL
              SELECT occurred_at, occurred_us, 'scaled', run,
                'from ' || coalesce(from_count, '?') || ' to ' || coalesce(to_count, '?') || ' by ' || actor, cluster, position
              FROM workloads WHERE application = :application
              UNION ALL
              SELECT occurred_at, occurred_us, 'deployment', run,
                coalesce(source_revision, '?') || ' to ' || coalesce(target_revision, '?') || ': ' || status, source_cluster,
                position
              FROM runs WHERE service = :application
              UNION ALL
              SELECT p.occurred_at, p.occurred_us, 'phase', p.run, p.phase || coalesce(' step ' || p.step, '') || ' ' || p.status,
                r.source_cluster, p.position
              FROM phases AS p JOIN runs AS r ON r.run = p.run WHERE r.service = :application
              UNION ALL
              SELECT occurred_at, occurred_us, 'finding', finding,
                coalesce(kind, '') || coalesce(' ' || metric, '') || coalesce(' ' || peer, '') || ' ' || status,
                coalesce(cluster, target_cluster), position
              FROM findings WHERE app = :application OR json_extract(scope, '$.app') = :application
              UNION ALL
              SELECT occurred_at, occurred_us, 'kubernetes', object_kind || ' ' || object_name,
                coalesce(reason, '') || ': ' || coalesce(message, ''), cluster, position
              FROM kubernetes_events WHERE object_name = :application OR object_name GLOB :application || '-*'
              UNION ALL
              SELECT occurred_at, occurred_us, 'task', task, coalesce(state, '') || coalesce(': ' || reason, ''), cluster, position
              FROM tasks WHERE task_group = 'service:' || :application
              UNION ALL
              SELECT occurred_at, occurred_us, 'service', stream,
                coalesce(event_name, detail_type, '') || coalesce(': ' || reason, ''), cluster, position
              FROM service_events WHERE service = :application
            )
            ORDER BY occurred_us, position;

            """#
        ),
        (
            "access-review",
            #"""
            -- question: Who held which scope of the server at a moment, by whose hand, and until when?
            -- parameter :time (optional) the moment asked about, RFC 3339; after the last event if left out
            -- parameter :scope (optional) one scope, such as approve or ingest:firehose
            -- column name: what the holder is called
            -- column scope: what the token allows
            -- column token: the token's id
            -- column cluster: the cluster of data that says none, if the token is bound to one
            -- column created_by: who made it
            -- column created_at: when
            -- column expires_at: when it ends by itself; empty if never
            -- column revoked_at: when it was revoked; empty if it was not
            -- column revoked_by: who revoked it
            -- column calls: privileged calls made with it up to that moment
            -- column position: place in the log
            WITH moment(us) AS (
              SELECT CAST(strftime('%s', :time) AS INTEGER) * 1000000 + CAST(substr(strftime('%f', :time), 4) AS INTEGER) * 1000
            )
            SELECT t.name, t.scope, t.token, t.cluster, t.created_by, t.occurred_at AS created_at, t.expires_at, t.revoked_at,
              t.revoked_by,
              (SELECT count(*) FROM access_events a WHERE a.kind = 'used' AND a.principal = t.name AND a.scope = t.scope
                AND (m.us IS NULL OR a.occurred_us <= m.us)) AS calls,
              t.position
            FROM tokens t, moment m
            WHERE (:scope IS NULL OR t.scope = :scope)
              AND (m.us IS NULL AND t.revoked_us IS NULL
                OR t.occurred_us <= m.us AND (t.revoked_us IS NULL OR t.revoked_us > m.us)
                  AND (t.expires_us IS NULL OR t.expires_us > m.us))
            ORDER BY t.name, t.scope, t.position;

            """#
        ),
        (
            "changes-by",
            #"""
            -- question: What did one person do, ask for or decide?
            -- parameter :person name of the person, as in --actor, or the account (user@host)
            -- parameter :since (optional) from when, RFC 3339
            -- parameter :until (optional) until when, RFC 3339
            -- column position: place in the log
            -- column occurred_at: when it happened
            -- column recorded_at: when it was recorded
            -- column stream: what it was done to
            -- column action: the event's name, such as phase.started
            -- column subject: phase, application, scope, finding or other thing it names
            -- column role: did (or had it done on their behalf), requested or decided
            -- column account: account that recorded it
            SELECT position, occurred_at, recorded_at, stream, name AS action,
              coalesce(json_extract(data, '$.phase'), json_extract(data, '$.application'), json_extract(data, '$.scope'),
                json_extract(data, '$.finding'), json_extract(data, '$.incident'),
                json_extract(data, '$.record'), json_extract(data, '$.format'), json_extract(data, '$.title')) AS subject,
              CASE WHEN json_extract(data, '$.approver') = :person THEN 'decided'
                WHEN json_extract(data, '$.requested_by') = :person THEN 'requested' ELSE 'did' END AS role,
              actor AS account
            FROM events
            WHERE (on_behalf_of = :person OR (on_behalf_of IS NULL AND (actor = :person OR actor GLOB :person || '@*'))
                OR json_extract(data, '$.approver') = :person OR json_extract(data, '$.requested_by') = :person
                OR json_extract(data, '$.person') = :person)
              AND (:since IS NULL OR occurred_us >= CAST(strftime('%s', :since) AS INTEGER) * 1000000)
              AND (:until IS NULL OR occurred_us < CAST(strftime('%s', :until) AS INTEGER) * 1000000)
            ORDER BY occurred_us, position;

            """#
        ),
        (
            "dropped-flows",
            #"""
            -- question: Towards which peers were connections rejected, reset or never answered?
            -- parameter :cluster (optional) name of a cluster
            -- parameter :since (optional) from when, RFC 3339
            -- parameter :until (optional) until when, RFC 3339
            -- column cluster: cluster that logged the flows
            -- column peer: address, or block of clients
            -- column peer_port: port of the serving side
            -- column direction: ingress or egress, seen from the cluster
            -- column minutes: minutes with any of them
            -- column first_minute: the first such minute
            -- column last_minute: the last such minute
            -- column rejects: records with action REJECT that came before the close
            -- column unanswered: connection attempts that nothing came back for
            -- column resets: records with a RST
            -- column flows: records of these minutes
            SELECT cluster, peer, peer_port, direction, count(DISTINCT minute) AS minutes, min(minute_at) AS first_minute,
              max(minute_at) AS last_minute, sum(rejects - late_rejects) AS rejects, sum(unanswered) AS unanswered,
              sum(resets) AS resets, sum(flows) AS flows
            FROM flow_counters
            WHERE (rejects > late_rejects OR unanswered > 0 OR resets > 0) AND (:cluster IS NULL OR cluster = :cluster)
              AND (:since IS NULL OR minute >= CAST(strftime('%s', :since) AS INTEGER) / 60)
              AND (:until IS NULL OR minute < CAST(strftime('%s', :until) AS INTEGER) / 60)
            GROUP BY cluster, peer, peer_port, direction
            ORDER BY sum(unanswered) + sum(rejects - late_rejects) DESC, sum(resets) DESC, cluster, peer, peer_port, direction;

            """#
        ),
        (
            "emergency-changes",
            #"""
            -- question: Which changes were emergencies, and were they approved in the end?
            -- parameter :run (optional) stream of a migration or deployment
            -- column run: stream of the migration or deployment
            -- column phase: what was done as an emergency
            -- column approver: who approved it
            -- column decided_at: when
            -- column retroactive: 1 if approved after the fact
            -- column minutes_after_start: from the start of the phase to the approval; negative if the approval came first
            -- column comment: what the approver wrote
            -- column position: place in the log of the decision
            SELECT a.run, a.phase, a.approver, a.decided_at, coalesce(a.retroactive, 0) AS retroactive,
              round((a.decided_us - (SELECT max(p.started_us) FROM phases AS p
                WHERE p.run = a.run AND p.phase = a.phase
                  AND (coalesce(a.retroactive, 0) = 0 OR p.started_us <= a.decided_us))) / 60000000.0, 1) AS minutes_after_start,
              a.comment, a.decision_position AS position
            FROM approvals AS a
            WHERE (a.emergency = 1 OR a.retroactive = 1) AND (:run IS NULL OR a.run = :run)
            ORDER BY a.decided_us, a.position;

            """#
        ),
        (
            "findings-of-incidents",
            #"""
            -- question: Which findings opened or joined which incident, and on what evidence?
            -- parameter :incident (optional) id of an incident
            -- column incident: id of the incident
            -- column title: what the incident is about
            -- column severity: its severity
            -- column incident_status: open or closed
            -- column finding: id of the finding
            -- column role: opened or joined
            -- column kind: what kind of finding it is
            -- column side: which side deviates
            -- column what: peer, or application and metric
            -- column start_at: first minute of the finding
            -- column end_at: end of its last minute
            -- column finding_status: open or withdrawn
            -- column acknowledged_by: who has seen it
            -- column evidence: how many events of the log it rests on
            -- column reason: why, in words
            -- column position: place in the log where the finding opened or joined the incident
            SELECT i.incident, i.title, i.severity, i.status AS incident_status, l.finding, l.role, f.kind, f.side,
              coalesce(f.peer || coalesce(':' || f.peer_port, ''), f.app || coalesce(' ' || f.metric, '')) AS what,
              f.start_at, f.end_at, f.status AS finding_status, f.acknowledged_by,
              (SELECT count(*) FROM finding_evidence AS e WHERE e.finding = l.finding) AS evidence, f.reason, l.position
            FROM incident_findings AS l
              JOIN incidents AS i ON i.incident = l.incident
              LEFT JOIN findings AS f ON f.finding = l.finding
            WHERE :incident IS NULL OR i.incident = :incident
            ORDER BY i.opened_us, i.incident, l.position;

            """#
        ),
        (
            "fleet",
            #"""
            -- question: Where does every migration and deployment stand?
            -- parameter :status (optional) such as running
            -- column run: stream of the migration or deployment
            -- column kind: migration or deployment
            -- column title: what people call it
            -- column status: planned, running, rolling-back, rolled-back, rollback-failed, completed, aborted or failed
            -- column phase: phase of the last phase event
            -- column phase_status: started, completed, failed or reverted
            -- column target_percent: share of production traffic that the target has
            -- column open_approvals: approvals that are asked for and not decided
            -- column open_findings: findings of its clusters that are open
            -- column started_at: when its first phase started
            -- column ended_at: when it ended
            -- column last_position: place in the log of its last event
            SELECT r.run, r.kind, r.title, r.status, r.phase, r.phase_status,
              (SELECT percent FROM traffic_shifts AS t WHERE t.run = r.run AND t.side = 'target' AND t.kind = 'production'
                ORDER BY occurred_us DESC, position DESC LIMIT 1) AS target_percent,
              (SELECT count(*) FROM approvals AS a WHERE a.run = r.run AND a.decision IS NULL) AS open_approvals,
              (SELECT count(*) FROM findings AS f WHERE f.status = 'open' AND f.target_cluster = r.target_cluster
                AND r.kind = 'migration') AS open_findings,
              r.started_at, r.ended_at, r.last_position
            FROM runs AS r
            WHERE :status IS NULL OR r.status = :status
            ORDER BY coalesce(r.started_us, r.planned_us, r.occurred_us), r.position;

            """#
        ),
        (
            "hook-calls",
            #"""
            -- question: Which hooks were called, how often, and what did they answer?
            -- parameter :run (optional) stream of a migration or deployment
            -- parameter :hook (optional) name of a hook
            -- column run: stream of the migration or deployment
            -- column hook: name of the hook
            -- column phase: phase that waited for it
            -- column step: step of the phase
            -- column attempt: from 1
            -- column attempts: calls of this hook for this phase and step in all
            -- column status: SUCCEEDED, FAILED, IN_PROGRESS (called again later), TIMED_OUT or WAITING
            -- column called_at: when it was called
            -- column seconds: until the answer
            -- column call_back_delay_seconds: after how long the hook wanted to be called again
            -- column details: hookDetails returned, JSON
            -- column position: place in the log of the call
            SELECT run, hook, phase, step, attempt,
              count(*) OVER (PARTITION BY run, hook, phase, step) AS attempts,
              CASE WHEN timed_out_us IS NOT NULL THEN 'TIMED_OUT' ELSE coalesce(status, 'WAITING') END AS status,
              called_at, round((answered_us - called_us) / 1000000.0, 1) AS seconds, call_back_delay_seconds,
              answer_details AS details, position
            FROM hooks
            WHERE (:run IS NULL OR run = :run) AND (:hook IS NULL OR hook = :hook)
            ORDER BY run, coalesce(called_us, answered_us, timed_out_us), position;

            """#
        ),
        (
            "import-history",
            #"""
            -- question: What was imported, from which files, and what was set aside?
            -- parameter :format (optional) such as flow-logs
            -- column recorded_at: when it was imported
            -- column format: what the files were read as
            -- column cluster: cluster they were imported for
            -- column file: path as it was given
            -- column bytes: size of the file
            -- column sha256: digest of the file
            -- column accepted: records taken from the file
            -- column rejected: records of the file set aside
            -- column skipped_duplicates: records of the whole import that were there already
            -- column imported_by: who imported it
            -- column import: identity of the import
            -- column position: place in the log
            SELECT i.recorded_at, i.format, i.cluster, f.name AS file, f.bytes, f.sha256, f.accepted, f.rejected,
              i.skipped_duplicates, i.imported_by, i.import, i.position
            FROM imports AS i LEFT JOIN import_files AS f ON f.import = i.import
            WHERE :format IS NULL OR i.format = :format
            ORDER BY i.recorded_us, i.position, f.name;

            """#
        ),
        (
            "phase-durations",
            #"""
            -- question: How long did each phase take, against its budget?
            -- parameter :run (optional) stream of a migration or deployment
            -- column run: stream of the migration or deployment
            -- column phase: stage of the playbook
            -- column step: step of the phase, where it has several
            -- column attempt: from 1; above 1 the phase was tried again
            -- column status: started, completed, failed or reverted
            -- column started_at: when it started
            -- column ended_at: when it was completed, failed or reverted
            -- column minutes: how long it took; empty while it runs
            -- column budget_minutes: how long the plan allows
            -- column over_budget: 1 if it took longer than that, 0 if not
            -- column reason: why it failed or was reverted
            -- column position: place in the log of its start
            SELECT p.run, p.phase, p.step, p.attempt, p.status, p.started_at, coalesce(p.ended_at, p.reverted_at) AS ended_at,
              round((coalesce(p.ended_us, p.reverted_us) - p.started_us) / 60000000.0, 2) AS minutes,
              round(b.seconds / 60.0, 2) AS budget_minutes,
              (coalesce(p.ended_us, p.reverted_us) - p.started_us) / 1000000.0 > b.seconds AS over_budget, p.reason, p.position
            FROM phases AS p LEFT JOIN budgets AS b ON b.run = p.run AND b.phase = p.phase
            WHERE :run IS NULL OR p.run = :run
            ORDER BY p.run, coalesce(p.started_us, p.ended_us, p.reverted_us), p.position;

            """#
        ),
        (
            "population",
            #"""
            -- question: Which changes were there? (the population an auditor draws a sample from)
            -- parameter :since (optional) changes that were planned or started at or after this time, RFC 3339
            -- parameter :until (optional) changes that were planned or started before this time, RFC 3339
            -- column run: stream of the migration or deployment
            -- column kind: migration or deployment
            -- column title: what people call it
            -- column change: what changes: clusters of a migration, revisions of a deployment
            -- column playbook: the playbook it follows
            -- column status: where it stands
            -- column requested_by: who asked for the first approval, else who planned it
            -- column approvers: everybody who granted an approval
            -- column four_eyes: 1 if another person and account granted each approval than asked for it, 0 if not; empty if unknown
            -- column emergency: 1 if any approval was an emergency
            -- column planned_at: when it was planned
            -- column started_at: when its first phase started
            -- column ended_at: when it ended
            -- column gates_passed: evaluations of a gate that passed
            -- column gates_failed: evaluations that failed or were undecided
            -- column rollbacks: ways back
            -- column violations: facts of it that broke a rule
            -- column first_position: place in the log of its first event
            -- column last_position: place in the log of its last event
            SELECT r.run, r.kind, r.title,
              CASE r.kind WHEN 'migration' THEN coalesce(r.source_cluster, '?') || ' to ' || coalesce(r.target_cluster, '?')
                ELSE coalesce(r.service, '?') || ' ' || coalesce(r.source_revision, '?') || ' to '
                  || coalesce(r.target_revision, '?') END AS change,
              r.playbook, r.status,
              coalesce((SELECT requested_by FROM approvals AS a WHERE a.run = r.run AND requested_us IS NOT NULL
                ORDER BY requested_us, position LIMIT 1), r.planned_by) AS requested_by,
              (SELECT group_concat(approver, ', ') FROM (SELECT DISTINCT approver FROM approvals AS a
                WHERE a.run = r.run AND decision = 'granted' ORDER BY approver)) AS approvers,
              (SELECT CASE WHEN min(coalesce(four_eyes, coalesce(requested_by, r.planned_by, approver) <> approver)) = 0 THEN 0
                  WHEN count(*) > 0 AND count(four_eyes) = count(*) THEN 1 END
                FROM approvals AS a WHERE a.run = r.run AND decision = 'granted') AS four_eyes,
              (SELECT coalesce(max(emergency), 0) FROM approvals AS a WHERE a.run = r.run) AS emergency,
              r.planned_at, r.started_at, r.ended_at,
              (SELECT count(*) FROM gates AS g WHERE g.run = r.run AND result = 'pass') AS gates_passed,
              (SELECT count(*) FROM gates AS g WHERE g.run = r.run AND result IS NOT 'pass') AS gates_failed,
              (SELECT count(*) FROM rollbacks AS b WHERE b.run = r.run) AS rollbacks,
              (SELECT count(*) FROM violations AS v WHERE v.stream = r.run) AS violations,
              (SELECT min(position) FROM events AS e WHERE e.stream = r.run) AS first_position,
              (SELECT max(position) FROM events AS e WHERE e.stream = r.run) AS last_position
            FROM runs AS r
            WHERE (:since IS NULL
                OR coalesce(r.started_us, r.planned_us, r.occurred_us) >= CAST(strftime('%s', :since) AS INTEGER) * 1000000)
              AND (:until IS NULL
                OR coalesce(r.planned_us, r.started_us, r.occurred_us) < CAST(strftime('%s', :until) AS INTEGER) * 1000000)
            ORDER BY coalesce(r.planned_us, r.started_us, r.occurred_us), r.position;

            """#
        ),
        (
            "running-at",
            #"""
            -- question: What was running at a moment?
            -- parameter :time the moment, RFC 3339, such as 2026-03-10T09:45:00Z
            -- column what: phase, rollback, bake, freeze, hook or incident
            -- column subject: stream of the migration or deployment, or id of the incident
            -- column name: phase, scope, hook or title
            -- column step: step of the phase
            -- column since: when it had started
            -- column until: when it ended, if it has
            -- column minutes_so_far: how long it had been running
            -- column position: place in the log of its start
            WITH moment(us) AS (
              SELECT CAST(strftime('%s', :time) AS INTEGER) * 1000000 + CAST(substr(strftime('%f', :time), 4) AS INTEGER) * 1000
            ), spans AS (
              SELECT 'phase' AS what, run AS subject, phase AS name, step, started_us AS from_us,
                coalesce(ended_us, reverted_us) AS until_us, started_at AS since, coalesce(ended_at, reverted_at) AS until,
                position FROM phases
              UNION ALL
              SELECT 'rollback', run, reason, NULL, occurred_us, ended_us, occurred_at, ended_at, position FROM rollbacks
              UNION ALL
              SELECT 'bake', run, minutes || ' minutes', step, occurred_us, ended_us, occurred_at, ended_at, position FROM bakes
              UNION ALL
              SELECT 'freeze', run, scope, NULL, started_us, ended_us, started_at, ended_at, position FROM freezes
              UNION ALL
              SELECT 'hook', run, hook, step, called_us, coalesce(answered_us, timed_out_us), called_at,
                coalesce(answered_at, timed_out_at), position FROM hooks
              UNION ALL
              SELECT 'incident', incident, title, NULL, opened_us, closed_us, opened_at, closed_at, position FROM incidents
            )
            SELECT what, subject, name, step, since, until, round((us - from_us) / 60000000.0, 1) AS minutes_so_far, position
            FROM spans, moment
            WHERE from_us <= us AND (until_us IS NULL OR until_us > us)
            ORDER BY from_us, position;

            """#
        ),
        (
            "timeline",
            #"""
            -- question: What happened, in order?
            -- parameter :run (optional) stream of a migration or deployment: its events, and the incidents and findings of its time
            -- parameter :since (optional) from when, RFC 3339
            -- parameter :until (optional) until when, RFC 3339
            -- column occurred_at: when it happened
            -- column actor: who did it
            -- column stream: what it happened to
            -- column action: the event's name
            -- column detail: what the event says, in words
            -- column recorded_at: when it was recorded
            -- column position: place in the log
            WITH span(from_us, until_us) AS (
              SELECT
                coalesce(CAST(strftime('%s', :since) AS INTEGER) * 1000000,
                  (SELECT coalesce(started_us, planned_us, occurred_us) FROM runs WHERE run = :run)),
                coalesce(CAST(strftime('%s', :until) AS INTEGER) * 1000000,
                  (SELECT ended_us + 3600000000 FROM runs WHERE run = :run))
            )
            SELECT e.occurred_at, coalesce(e.on_behalf_of, e.actor) AS actor, e.stream, e.name AS action,
              trim(CASE
                WHEN e.name = 'migration.planned' THEN coalesce((e.data ->> 'title') || ': ', '')
                  || coalesce(e.data ->> 'source_cluster', '?') || ' to ' || coalesce(e.data ->> 'target_cluster', '?')
                WHEN e.name = 'deployment.planned' THEN coalesce(e.data ->> 'service', '?') || ' '
                  || coalesce(e.data ->> 'source_revision', '?') || ' to ' || coalesce(e.data ->> 'target_revision', '?')
                WHEN e.name = 'ttl.lowered' THEN coalesce(e.data ->> 'record', '?') || ' from '
                  || coalesce(e.data ->> 'old_ttl_seconds', '?') || ' s to ' || coalesce(e.data ->> 'new_ttl_seconds', '?') || ' s'
                WHEN e.name = 'workload.scaled' THEN coalesce(e.data ->> 'application', '?') || ' in '
                  || coalesce(e.data ->> 'cluster', '?') || ' from ' || coalesce(e.data ->> 'from', '?') || ' to '
                  || coalesce(e.data ->> 'to', '?')
                WHEN e.name = 'traffic.shifted' THEN coalesce(e.data ->> 'kind', '')
                  || coalesce(' step ' || (e.data ->> 'step'), '') || ': '
                  || (SELECT group_concat(w.key || ' ' || w.value || ' %', ', ') FROM json_each(e.data, '$.weights') AS w)
                WHEN e.name GLOB 'hook.*' THEN coalesce(e.data ->> 'hook', '?') || ' at ' || coalesce(e.data ->> 'phase', '?')
                  || coalesce(' step ' || (e.data ->> 'step'), '') || coalesce(', attempt ' || (e.data ->> 'attempt'), '')
                  || coalesce(': ' || coalesce(e.data ->> 'status', e.data ->> 'action'), '')
                WHEN e.name = 'bake.started' THEN coalesce(e.data ->> 'minutes', '?') || ' minutes'
                  || coalesce(', step ' || (e.data ->> 'step'), '')
                WHEN e.name = 'check.completed' THEN coalesce(e.data ->> 'name', '?') || ': ' || coalesce(e.data ->> 'result', '?')
                WHEN e.name IN ('finding.opened', 'finding.revised') THEN coalesce(e.data ->> 'kind', '')
                  || coalesce(' ' || (e.data ->> 'peer') || coalesce(' port ' || (e.data ->> 'peer_port'), ''), '')
                  || coalesce(' ' || (e.data ->> 'app'), '') || coalesce(' ' || (e.data ->> 'metric'), '')
                  || coalesce(': ' || (e.data ->> 'reason'), '')
                WHEN e.name GLOB 'finding.*' THEN coalesce(e.data ->> 'finding', '') || coalesce(': ' || (e.data ->> 'reason'), '')
                WHEN e.name GLOB 'incident.*' THEN coalesce(e.data ->> 'title', e.data ->> 'incident', '')
                  || coalesce(' (finding ' || (e.data ->> 'finding') || ')', '') || coalesce(': ' || (e.data ->> 'reason'), '')
                WHEN e.name = 'violation.recorded' THEN coalesce(e.data ->> 'explanation', e.data ->> 'rule', '')
                WHEN e.name = 'note.added' THEN coalesce(e.data ->> 'text', '(redacted)')
                WHEN e.name = 'event.corrected' THEN coalesce(e.data ->> 'field', '?') || ' of '
                  || coalesce(e.data ->> 'about', '?')
                  || ' from ' || coalesce(e.data ->> 'from', '?') || ' to ' || coalesce(e.data ->> 'to', '?')
                WHEN e.name GLOB 'freeze.*' THEN coalesce(e.data ->> 'scope', '') || coalesce(': ' || (e.data ->> 'reason'), '')
                WHEN e.name GLOB 'task.*' THEN coalesce(e.data ->> 'task', '') || coalesce(': ' || (e.data ->> 'reason'), '')
                WHEN e.name = 'alarm.changed' THEN coalesce(e.data ->> 'alarm', '?') || ': ' || coalesce(e.data ->> 'state', '?')
                WHEN e.name = 'aws.cloudwatch.alarm-state-change.v0' THEN coalesce(e.data ->> '$.detail.alarmName', '?') || ': '
                  || coalesce(e.data ->> '$.detail.state.value', '?')
                WHEN e.name GLOB 'aws.*' THEN coalesce(e.data ->> '$.detail.eventName', e.data ->> '$.detail.lastStatus', '')
                  || coalesce(': ' || coalesce(e.data ->> '$.detail.reason', e.data ->> '$.detail.stoppedReason'), '')
                WHEN e.name GLOB 'velero.*' THEN coalesce(e.data ->> '$.metadata.name', '?') || ': '
                  || coalesce(e.data ->> '$.status.phase', '?')
                WHEN e.name = 'k8s.event.v1' THEN
                  coalesce(e.data ->> '$.involvedObject.kind', e.data ->> '$.regarding.kind', '') || ' '
                  || coalesce(e.data ->> '$.involvedObject.name', e.data ->> '$.regarding.name', '') || ': '
                  || coalesce(e.data ->> 'reason', '') || coalesce(': ' || coalesce(e.data ->> 'message', e.data ->> 'note'), '')
                ELSE coalesce(e.data ->> 'phase', '') || coalesce(' step ' || (e.data ->> 'step'), '')
                  || coalesce(': ' || (e.data ->> 'result'), '') || coalesce(': ' || (e.data ->> 'reason'), '')
              END, ' :') AS detail,
              e.recorded_at, e.position
            FROM events AS e, span
            WHERE (:run IS NULL OR e.stream = :run OR e.stream GLOB 'incident/*' OR e.stream GLOB 'finding/*')
              AND e.name NOT IN ('series.named', 'samples.recorded', 'samples.sealed', 'flows.counted', 'import.completed',
                'analysis.completed')
              AND NOT (e.name = 'attachment.dropped' AND e.data ->> 'replacement' IS NOT NULL)
              AND (from_us IS NULL OR e.stream = :run OR e.occurred_us >= from_us)
              AND (:since IS NULL OR e.occurred_us >= from_us)
              AND (until_us IS NULL OR e.stream = :run OR e.occurred_us < until_us)
              AND (:until IS NULL OR e.occurred_us < until_us)
            ORDER BY e.occurred_us, e.position;

            """#
        ),
        (
            "traffic-share",
            #"""
            -- question: Which share of the traffic had each side, over time?
            -- parameter :run (optional) stream of a migration or deployment
            -- parameter :kind (optional) production or test
            -- column run: stream of the migration or deployment
            -- column kind: production or test
            -- column side: source, target, or a name of the plan
            -- column step: step of the shift
            -- column percent: its share from this moment
            -- column change: difference to the share before, in percent points
            -- column from_at: since when
            -- column until_at: until when; empty for the share it has now
            -- column minutes: how long; empty for the share it has now
            -- column actor: who shifted it
            -- column position: place in the log of the shift
            SELECT run, kind, side, step, percent,
              percent - lag(percent) OVER side_over_time AS change,
              occurred_at AS from_at, lead(occurred_at) OVER side_over_time AS until_at,
              round((lead(occurred_us) OVER side_over_time - occurred_us) / 60000000.0, 1) AS minutes, actor, position
            FROM traffic_shifts
            WHERE (:run IS NULL OR run = :run) AND (:kind IS NULL OR kind = :kind)
            WINDOW side_over_time AS (PARTITION BY run, kind, side ORDER BY occurred_us, position)
            ORDER BY run, kind, occurred_us, position, side;

            """#
        ),
        (
            "violations",
            #"""
            -- question: Which facts broke a rule?
            -- parameter :stream (optional) stream of the facts
            -- column occurred_at: when the fact happened
            -- column stream: what it happened to
            -- column rule: rule that it broke
            -- column event: name of the fact
            -- column by: who did it
            -- column explanation: what is wrong
            -- column violating_position: place in the log of the fact
            -- column position: place in the log of the violation
            SELECT coalesce(e.occurred_at, v.occurred_at) AS occurred_at, v.stream, v.rule, e.name AS event,
              coalesce(e.on_behalf_of, e.actor) AS by, v.explanation, v.violating_position, v.position
            FROM violations AS v LEFT JOIN events AS e ON e.position = v.violating_position
            WHERE :stream IS NULL OR v.stream = :stream
            ORDER BY coalesce(e.occurred_us, v.occurred_us), v.position;

            """#
        ),
        (
            "who-approved-what",
            #"""
            -- question: Who asked for what, who approved or rejected it, and when?
            -- parameter :run (optional) stream of a migration or deployment, such as migration/mig-7
            -- parameter :person (optional) who asked or decided
            -- column run: stream of the migration or deployment
            -- column phase: what the approval is for
            -- column requested_by: who asked; empty if nobody did
            -- column requested_at: when it was asked for
            -- column decision: granted or rejected; empty while it is open
            -- column approver: who decided
            -- column decided_at: when it was decided
            -- column waited_minutes: from the request to the decision
            -- column four_eyes: 1 if another person decided through another account, 0 if not; empty if one account told both for others
            -- column requested_through: account that recorded the request
            -- column recorded_by: account that recorded the decision
            -- column emergency: 1 for an emergency change
            -- column retroactive: 1 if approved after the fact
            -- column comment: what the approver wrote, or why it was rejected
            -- column position: place in the log of the request
            -- column decision_position: place in the log of the decision
            SELECT run, phase, requested_by, requested_at, decision, approver, decided_at,
              round((decided_us - requested_us) / 60000000.0, 1) AS waited_minutes,
              four_eyes, requested_through, recorded_by,
              coalesce(emergency, 0) AS emergency, coalesce(retroactive, 0) AS retroactive, coalesce(comment, reason) AS comment,
              position, decision_position
            FROM approvals
            WHERE (:run IS NULL OR run = :run) AND (:person IS NULL OR requested_by = :person OR approver = :person)
            ORDER BY coalesce(requested_us, decided_us), position;

            """#
        ),
    ]
}
