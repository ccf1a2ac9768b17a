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
