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
