-- 2020 年 6 月底时，统计年鉴怎么说 2018 年各市的地区生产总值？后来改成了多少？
-- What did the yearbooks say of GDP in 2018 at the end of June 2020, and what do they say now?
-- The view works under any name that the file is attached by, and its rule also in Parquet.
select
    known.place_code,
    known.place_name_zh,
    known.value as known_then,
    known.document,
    known.edition,
    known.rests_on_assumed_date,
    best.value as known_now,
    best.document as document_now,
    best.edition as edition_now,
    known.unit
from city_indicator_known as known
left join city_indicator_best as best
    on known.place_code = best.place_code
    and known.indicator_id = best.indicator_id
    and known.year = best.year
where
    known.indicator_id = 'gdp'
    and known.year = 2018
    and known.scope = 'whole_city'
    and known.place_level = 'prefecture'
    and known.known_from <= date '2020-06-30'
    and (known.known_until is null or known.known_until > date '2020-06-30')
order by known.place_code
