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
