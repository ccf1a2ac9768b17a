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
