-- Where do the slowest 1 % of the requests spend their time, next to those in general?
PIVOT (
    SELECT "where", part, requests, mean_ms
    FROM 'results/online-shop/time.csv'
    WHERE class = 'buy' AND requests IN ('served', 'slowest_1_percent')
)
ON requests USING round(sum(mean_ms), 2)
ORDER BY slowest_1_percent DESC
LIMIT 5;
