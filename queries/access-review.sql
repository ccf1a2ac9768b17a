-- question: Who held which scope of the server at a moment, by whose hand, and until when?
-- parameter :time (optional) the moment asked about, RFC 3339; after the last event if left out
-- parameter :scope (optional) one scope, such as approve or ingest:firehose
-- column name: what the holder is called
-- column scope: what the token allows
-- column token: the token's id
-- column cluster: the cluster of data that says none, if the token is bound to one
-- column created_by: who made it
-- column created_at: when
-- column expires_at: when it ends by itself; empty if never
-- column revoked_at: when it was revoked; empty if it was not
-- column revoked_by: who revoked it
-- column calls: privileged calls made with it up to that moment
-- column position: place in the log
WITH moment(us) AS (
  SELECT CAST(strftime('%s', :time) AS INTEGER) * 1000000 + CAST(substr(strftime('%f', :time), 4) AS INTEGER) * 1000
)
SELECT t.name, t.scope, t.token, t.cluster, t.created_by, t.occurred_at AS created_at, t.expires_at, t.revoked_at,
  t.revoked_by,
  (SELECT count(*) FROM access_events a WHERE a.kind = 'used' AND a.principal = t.name AND a.scope = t.scope
    AND (m.us IS NULL OR a.occurred_us <= m.us)) AS calls,
  t.position
FROM tokens t, moment m
WHERE (:scope IS NULL OR t.scope = :scope)
  AND (m.us IS NULL AND t.revoked_us IS NULL
    OR t.occurred_us <= m.us AND (t.revoked_us IS NULL OR t.revoked_us > m.us)
      AND (t.expires_us IS NULL OR t.expires_us > m.us))
ORDER BY t.name, t.scope, t.position;
