-- question: What is there to know about one application?
-- parameter :application its name
-- column occurred_at: when it happened
-- column what: planned, scaled, deployment, phase, finding, kubernetes, task or service
-- column subject: stream, finding or object it belongs to
-- column detail: what happened, in words
-- column cluster: where, if known
-- column position: place in the log
SELECT occurred_at, what, subject, detail, cluster, position FROM (
  SELECT a.occurred_at, a.occurred_us, 'planned' AS what, a.run AS subject,
    'to be moved as ' || coalesce(a.class, 'application of no class') AS detail, r.target_cluster AS cluster,
    a.position
  FROM applications AS a LEFT JOIN runs AS r ON r.run = a.run WHERE a.application = :application
  UNION ALL
  SELECT occurred_at, occurred_us, 'scaled', run,
    'from ' || coalesce(from_count, '?') || ' to ' || coalesce(to_count, '?') || ' by ' || actor, cluster, position
  FROM workloads WHERE application = :application
  UNION ALL
  SELECT occurred_at, occurred_us, 'deployment', run,
    coalesce(source_revision, '?') || ' to ' || coalesce(target_revision, '?') || ': ' || status, source_cluster,
    position
  FROM runs WHERE service = :application
  UNION ALL
  SELECT p.occurred_at, p.occurred_us, 'phase', p.run, p.phase || coalesce(' step ' || p.step, '') || ' ' || p.status,
    r.source_cluster, p.position
  FROM phases AS p JOIN runs AS r ON r.run = p.run WHERE r.service = :application
  UNION ALL
  SELECT occurred_at, occurred_us, 'finding', finding,
    coalesce(kind, '') || coalesce(' ' || metric, '') || coalesce(' ' || peer, '') || ' ' || status,
    coalesce(cluster, target_cluster), position
  FROM findings WHERE app = :application OR json_extract(scope, '$.app') = :application
  UNION ALL
  SELECT occurred_at, occurred_us, 'kubernetes', object_kind || ' ' || object_name,
    coalesce(reason, '') || ': ' || coalesce(message, ''), cluster, position
  FROM kubernetes_events WHERE object_name = :application OR object_name GLOB :application || '-*'
  UNION ALL
  SELECT occurred_at, occurred_us, 'task', task, coalesce(state, '') || coalesce(': ' || reason, ''), cluster, position
  FROM tasks WHERE task_group = 'service:' || :application
  UNION ALL
  SELECT occurred_at, occurred_us, 'service', stream,
    coalesce(event_name, detail_type, '') || coalesce(': ' || reason, ''), cluster, position
  FROM service_events WHERE service = :application
)
ORDER BY occurred_us, position;
