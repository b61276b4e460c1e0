-- How long do tasks take from their creation to health, by what carries them, and why did they stop?
SELECT service, provider, count(*) AS tasks, round(median(healthy_s - created_s), 1) AS start_median_s,
    round(max(healthy_s - created_s), 1) AS start_slowest_s,
    mode(stop_reason) AS usual_reason_to_stop
FROM 'results/online-shop/tasks.csv'
WHERE created_s >= 0
GROUP BY service, provider
ORDER BY tasks DESC;
