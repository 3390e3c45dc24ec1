-- 按标准复算的空气质量指数与公布值一致吗？
-- Does the air quality index recomputed by the standard equal the published one?
select
    place_code,
    place_name_zh,
    network,
    state,
    count(*) as days,
    count(*) filter (where aqi_matches) as equal,
    count(*) filter (where not aqi_matches) as unequal,
    count(*) filter (where aqi_matches is null) as not_comparable,
    max(abs(aqi - aqi_published)) as largest_difference
from air_city_day_recomputed
group by place_code, place_name_zh, network, state
order by place_code, network, state
