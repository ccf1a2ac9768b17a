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
