-- How soon is a bad version noticed and gone, in the middle run and in one run of ten?
SELECT parse_path(filename)[-2] AS variant, count(*) AS runs, round(median(detect_s)) AS detect_median_s,
    round(quantile_cont(detect_s, 0.9)) AS detect_p90_s, round(median(roll_back_s)) AS roll_back_median_s,
    round(quantile_cont(roll_back_s, 0.9)) AS roll_back_p90_s, round(avg(errors_above_old)) AS extra_errors
FROM read_csv('results/deployment-strategies/variants/*/deployments.csv', filename = true)
GROUP BY variant
ORDER BY extra_errors;
