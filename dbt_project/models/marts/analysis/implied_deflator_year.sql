-- Implied deflators of cities, for diagnosis only: how far the levels of one edition and the printed
-- real rate disagree. Both levels come from one document and edition; never an input of anything.
with level as (
    select
        vintages.place_code,
        vintages.data_year as year,
        vintages.document,
        vintages.edition,
        vintages.value
    from {{ ref('int_indicator__vintages') }} as vintages
    where
        vintages.indicator_id = 'gdp'
        and vintages.published_on is not null
        and {{ is_whole('vintages') }}
        and vintages.method is null
),

rate as (
    select
        place_code,
        year,
        document || ' ' || edition as source,
        value
    from {{ ref('int_policy__cells') }}
    where
        indicator_id = 'gdp_growth_real'
        and vintage = 'latest'
),

implied as (
    select
        level.place_code,
        level.year,
        level.document,
        level.edition,
        rate.source as rate_series,
        100 * (cast(level.value as double) / cast(earlier.value as double) - 1) as nominal_growth_pct,
        cast(rate.value as double) as real_growth_pct,
        100 * (
            cast(level.value as double) / cast(earlier.value as double)
            / (1 + cast(rate.value as double) / 100) - 1
        ) as implied_deflator_pct
    from level
    inner join level as earlier
        on level.place_code = earlier.place_code
        and level.document = earlier.document
        and level.edition = earlier.edition
        and level.year = earlier.year + 1
    inner join rate
        on level.place_code = rate.place_code
        and level.year = rate.year
    inner join {{ ref('int_place__named') }} as place
        on level.place_code = place.place_code
        and level.year = place.year
        and place.place_level = 'prefecture'
    where earlier.value > 0
),

middle as (
    select
        year,
        document,
        edition,
        {{ median_of('implied_deflator_pct') }} as median_pct
    from implied
    group by year, document, edition
)

select
    implied.place_code,
    implied.year,
    implied.document,
    implied.edition,
    {{ rounded('implied.nominal_growth_pct', 6) }} as nominal_growth_pct,
    {{ rounded('implied.real_growth_pct', 6) }} as real_growth_pct,
    {{ rounded('implied.implied_deflator_pct', 6) }} as implied_deflator_pct,
    {{ rounded('middle.median_pct', 6) }} as median_of_cities_pct,
    abs(implied.implied_deflator_pct - middle.median_pct) > 2.5 as is_suspect,
    implied.rate_series
from implied
inner join middle
    on implied.year = middle.year
    and implied.document = middle.document
    and implied.edition = middle.edition
