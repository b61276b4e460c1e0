-- When was it worst, and what had last happened to a deployment or an alarm of the first run by then?
WITH windows AS (
    SELECT time_s, failed / offered AS failed_share
    FROM 'results/deployment-strategies/timeline.csv'
    WHERE class = 'all'
), happened AS (
    SELECT time_s, coalesce(service || ' ' || kind, kind) || ': ' || "to" AS what
    FROM 'results/deployment-strategies/events.csv'
    WHERE replication = 0 AND kind IN ('deployment', 'alarm')
)
SELECT windows.time_s, round(100 * failed_share, 2) AS failed_percent, happened.time_s AS since_s, what
FROM windows ASOF JOIN happened ON happened.time_s <= windows.time_s
ORDER BY failed_share DESC
LIMIT 5;
