-- 论文所称九市都市圈的地区生产总值：首次发布与最新修订相差多少？
-- GDP of the paper's nine-city circle: how far did revisions move what was first published?
select
    year,
    round(max(case when vintage = 'first_published' then value end), 2) as first_published,
    round(max(case when vintage = 'latest' then value end), 2) as latest,
    round(
        100 * (
            max(case when vintage = 'latest' then value end)
            / max(case when vintage = 'first_published' then value end) - 1
        ), 2
    ) as revised_pct,
    max(unit) as unit,
    max(case when vintage = 'latest' then edition_max end) as newest_edition,
    bool_or(is_mixed_vintage) as is_mixed_vintage
from circle_indicator_year
where circle_id = 'GZ_PAPER9' and indicator_id = 'gdp' and value is not null
group by year
order by year desc
