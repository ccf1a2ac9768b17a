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
