-- 哪些数字在版次之间改得最多？
-- Which values did a later edition change most? Only real changes: printed intervals do not meet.
select
    revision.place_code,
    best.place_name_zh,
    revision.indicator_id,
    revision.year,
    revision.from_document || ' ' || revision.from_edition as was_in,
    revision.to_document || ' ' || revision.to_edition as became_in,
    revision.old_value,
    revision.new_value,
    revision.unit,
    round(100 * revision.relative_change, 2) as change_pct
from revision
left join city_indicator_best as best
    on revision.place_code = best.place_code
    and revision.indicator_id = best.indicator_id
    and revision.year = best.year
where revision.scope = 'whole_city' and revision.relative_change is not null
order by
    abs(revision.relative_change) desc, revision.place_code asc, revision.indicator_id asc,
    revision.year asc, revision.to_edition asc
limit 20
