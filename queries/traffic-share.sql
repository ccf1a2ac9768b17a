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
