-- question: What did one person do, ask for or decide?
-- parameter :person name of the person, as in --actor, or the account (user@host)
-- parameter :since (optional) from when, RFC 3339
-- parameter :until (optional) until when, RFC 3339
-- column position: place in the log
-- column occurred_at: when it happened
-- column recorded_at: when it was recorded
-- column stream: what it was done to
-- column action: the event's name, such as phase.started
-- column subject: phase, application, scope, finding or other thing it names
-- column role: did (or had it done on their behalf), requested or decided
-- column account: account that recorded it
SELECT position, occurred_at, recorded_at, stream, name AS action,
  coalesce(json_extract(data, '$.phase'), json_extract(data, '$.application'), json_extract(data, '$.scope'),
    json_extract(data, '$.finding'), json_extract(data, '$.incident'),
    json_extract(data, '$.record'), json_extract(data, '$.format'), json_extract(data, '$.title')) AS subject,
  CASE WHEN json_extract(data, '$.approver') = :person THEN 'decided'
    WHEN json_extract(data, '$.requested_by') = :person THEN 'requested' ELSE 'did' END AS role,
  actor AS account
FROM events
WHERE (on_behalf_of = :person OR (on_behalf_of IS NULL AND (actor = :person OR actor GLOB :person || '@*'))
    OR json_extract(data, '$.approver') = :person OR json_extract(data, '$.requested_by') = :person
    OR json_extract(data, '$.person') = :person)
  AND (:since IS NULL OR occurred_us >= CAST(strftime('%s', :since) AS INTEGER) * 1000000)
  AND (:until IS NULL OR occurred_us < CAST(strftime('%s', :until) AS INTEGER) * 1000000)
ORDER BY occurred_us, position;
