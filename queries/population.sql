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
