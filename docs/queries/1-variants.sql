-- Which strategy fails the fewest customers, and what does an hour of it cost?
WITH served AS (
    SELECT parse_path(filename)[-2] AS variant, availability, p99_ms
    FROM read_csv('results/deployment-strategies/variants/*/summary.csv', filename = true)
    WHERE class = 'all'
), cost AS (
    SELECT parse_path(filename)[-2] AS variant, sum(cost_usd_per_hour) AS usd_per_hour
    FROM read_csv('results/deployment-strategies/variants/*/cost.csv', filename = true)
    GROUP BY variant
)
SELECT variant, round(100 * (1 - availability), 3) AS failed_percent, round(p99_ms, 1) AS p99_ms,
    round(usd_per_hour, 4) AS usd_per_hour
FROM served JOIN cost USING (variant)
ORDER BY failed_percent;
