-- question: Which facts broke a rule?
-- parameter :stream (optional) stream of the facts
-- column occurred_at: when the fact happened
-- column stream: what it happened to
-- column rule: rule that it broke
-- column event: name of the fact
-- column by: who did it
-- column explanation: what is wrong
-- column violating_position: place in the log of the fact
-- column position: place in the log of the violation
SELECT coalesce(e.occurred_at, v.occurred_at) AS occurred_at, v.stream, v.rule, e.name AS event,
  coalesce(e.on_behalf_of, e.actor) AS by, v.explanation, v.violating_position, v.position
FROM violations AS v LEFT JOIN events AS e ON e.position = v.violating_position
WHERE :stream IS NULL OR v.stream = :stream
ORDER BY coalesce(e.occurred_us, v.occurred_us), v.position;
