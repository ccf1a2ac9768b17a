-- question: Who held which scope of the server at a moment, by whose hand, and until when?
-- parameter :time (time, optional) the moment asked about; now if left out
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
SELECT t.name, t.scope, t.token, t.cluster, t.created_by, t.occurred_at AS created_at, t.expires_at, t.revoked_at,
  t.revoked_by,
  (SELECT count(*) FROM access_events a WHERE a.kind = 'used' AND a.principal = t.name AND a.scope = t.scope
    AND (:time IS NULL OR a.occurred_at <= :time)) AS calls,
  t.position
FROM tokens t
WHERE (:scope IS NULL OR t.scope = :scope)
  AND (:time IS NULL AND t.revoked_us IS NULL
    OR t.occurred_at <= :time AND (t.revoked_at IS NULL OR t.revoked_at > :time)
      AND (t.expires_at IS NULL OR t.expires_at > :time))
ORDER BY t.name, t.scope, t.position;
