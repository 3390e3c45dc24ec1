-- Mean growth over a span of years, as far as the rates of its years are held.
with rate as (
    select *
    from {{ ref('circle_indicator_year') }}
    where
        aggregation = 'chain'
        and value is not null
),

series as (
    select distinct
        circle_id,
        indicator_id,
        vintage
    from rate
),

wanted as (
    select distinct
        series.circle_id,
        series.indicator_id,
        series.vintage,
        span.year_from,
        span.year_to,
        calendar.year
    from series
    cross join {{ ref('growth_span') }} as span
    inner join {{ ref('int_place__named') }} as calendar
        on span.year_from < calendar.year
        and span.year_to >= calendar.year
),

grouped as (
    select
        wanted.circle_id,
        wanted.indicator_id,
        wanted.vintage,
        wanted.year_from,
        wanted.year_to,
        wanted.year_to - wanted.year_from as years_total,
        cast(count(rate.value) as integer) as years_known,
        cast(sum(case when rate.is_estimate then 1 else 0 end) as integer) as years_estimated,
        {{ dbt.listagg("case when rate.value is null then cast(wanted.year as varchar(4)) end",
            "', '", 'order by wanted.year') }} as years_missing,
        exp(cast(sum({{ exact('ln(1 + rate.value / 100)') }}) as double)) as factor,
        exp(cast(sum({{ exact('ln(1 + rate.value_low / 100)') }}) as double)) as factor_low,
        exp(cast(sum({{ exact('ln(1 + rate.value_high / 100)') }}) as double)) as factor_high,
        min(rate.value) as least,
        max(rate.value) as most,
        max(case when rate.is_preliminary then 1 else 0 end) = 1 as is_preliminary
    from wanted
    left join rate
        on wanted.circle_id = rate.circle_id
        and wanted.indicator_id = rate.indicator_id
        and wanted.vintage = rate.vintage
        and wanted.year = rate.year
    group by
        wanted.circle_id, wanted.indicator_id, wanted.vintage, wanted.year_from, wanted.year_to
    having count(rate.value) > 0
),

bounded as (
    select
        *,
        years_total - years_known as years_absent,
        factor_low * power(1 + least / 100, years_total - years_known) as span_low,
        factor_high * power(1 + most / 100, years_total - years_known) as span_high
    from grouped
)

select
    circle_id,
    indicator_id,
    vintage,
    year_from,
    year_to,
    years_total,
    years_known,
    years_missing,
    years_estimated,
    {{ rounded('factor', 8) }} as known_factor,
    {{ rounded('100 * (power(factor, cast(1 as double) / years_known) - 1)', 6) }} as known_mean_pct,
    {{ rounded('least', 6) }} as lowest_pct,
    {{ rounded('most', 6) }} as highest_pct,
    case
        when years_absent = 0
            then {{ rounded('100 * (power(factor, cast(1 as double) / years_total) - 1)', 6) }}
    end as mean_pct,
    {{ rounded('100 * (power(span_low, cast(1 as double) / years_total) - 1)', 6) }} as mean_low_pct,
    {{ rounded('100 * (power(span_high, cast(1 as double) / years_total) - 1)', 6) }} as mean_high_pct,
    is_preliminary,
    case
        when years_absent = 0 and years_estimated = 0 then 'Every year is held'
        when years_absent = 0
            then
                'Every year is held; '
                || cast(years_estimated as varchar(10)) || ' with weights of the same year'
        else
            'No rates of ' || years_missing || ' are held, so the mean is not computable. The '
            || cast(years_known as varchar(10)) || ' years held multiply to '
            || {{ shown('factor', 4) }}
            || '; the bounds hold if the missing years lie between the lowest and the highest of them'
    end as reason
from bounded
