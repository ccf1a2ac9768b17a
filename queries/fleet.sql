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
