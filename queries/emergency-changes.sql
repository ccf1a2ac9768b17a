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
