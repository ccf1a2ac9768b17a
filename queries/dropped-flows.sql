-- question: Towards which peers were connections rejected, reset or never answered?
-- parameter :cluster (optional) name of a cluster
-- parameter :since (optional) from when, RFC 3339
-- parameter :until (optional) until when, RFC 3339
-- column cluster: cluster that logged the flows
-- column peer: address, or block of clients
-- column peer_port: port of the serving side
-- column direction: ingress or egress, seen from the cluster
-- column minutes: minutes with any of them
-- column first_minute: the first such minute
-- column last_minute: the last such minute
-- column rejects: records with action REJECT that came before the close
-- column unanswered: connection attempts that nothing came back for
-- column resets: records with a RST
-- column flows: records of these minutes
SELECT cluster, peer, peer_port, direction, count(DISTINCT minute) AS minutes, min(minute_at) AS first_minute,
  max(minute_at) AS last_minute, sum(rejects - late_rejects) AS rejects, sum(unanswered) AS unanswered,
  sum(resets) AS resets, sum(flows) AS flows
FROM flow_counters
WHERE (rejects > late_rejects OR unanswered > 0 OR resets > 0) AND (:cluster IS NULL OR cluster = :cluster)
  AND (:since IS NULL OR minute >= CAST(strftime('%s', :since) AS INTEGER) / 60)
  AND (:until IS NULL OR minute < CAST(strftime('%s', :until) AS INTEGER) / 60)
GROUP BY cluster, peer, peer_port, direction
ORDER BY sum(unanswered) + sum(rejects - late_rejects) DESC, sum(resets) DESC, cluster, peer, peer_port, direction;
