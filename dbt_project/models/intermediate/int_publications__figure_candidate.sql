-- Every comparison of a printed figure that can be tried, one row per figure and vintage, with the
-- value it is compared with or what is missing for one.
with figure as (
    select * from {{ ref('stg_publications__printed_figure') }}
),

area_value as (
    select * from {{ ref('int_publications__area_value') }}
),

special as (
    select distinct figure_id
    from {{ ref('int_publications__figure_special') }}
),

-- Mean growth over several years: what the years held say, and what the missing ones would have to be.
span as (
    select
        figure.figure_id,
        span.reason
        || case
            when span.mean_pct is not null then ''
            else
                ': a mean of ' || {{ shown('span.mean_low_pct', 2) }} || ' to '
                || {{ shown('span.mean_high_pct', 2) }} || ' %. The printed '
                || {{ shown('figure.printed_value', 2) }} || ' % needs '
                || {{ shown(
                    "100 * (power(power(1 + cast(figure.printed_value as double) / 100, span.years_total) / span.known_factor, cast(1 as double) / (span.years_total - span.years_known)) - 1)",
                    1
                ) }}
                || ' % in each of the missing years'
        end as reason
    from figure
    inner join {{ ref('circle_growth_span') }} as span
        on figure.circle_id = span.circle_id
        and figure.indicator_id = span.indicator_id
        and figure.year_start = span.year_from
        and figure.year_end = span.year_to
        and span.vintage = 'first_published'
),

-- Disparities at comparable prices are not computable; those at current prices of one edition are.
spread as (
    select
        figure.figure_id,
        max(spread.series) as series,
        min(spread.value) as least,
        max(spread.value) as most
    from figure
    inner join {{ ref('circle_inequality_year') }} as spread
        on figure.circle_id = spread.circle_id
        and figure.year = spread.year
        and spread.indicator_id = 'gdp_per_capita_year_end'
        and spread.vintage = 'latest'
        and spread.series is not null
    where
        (
            figure.indicator_name = 'gdp_per_capita_max_min_ratio_comparable_price'
            and spread.measure = 'max_min_ratio'
        )
        or (
            figure.indicator_name = 'gdp_per_capita_cv_comparable_price'
            and substr(spread.measure, 1, 3) = 'cv_'
        )
    group by figure.figure_id
),

valued as (
    select
        missing.figure_id,
        missing.vintage,
        missing.missing,
        indicator.would_be_filled_by,
        area_value.value,
        area_value.value_low,
        area_value.value_high,
        area_value.edition_min,
        area_value.edition_max,
        area_value.is_mixed_vintage,
        area_value.is_estimate,
        area_value.fact_id,
        refused.indicator_id is not null as is_refused,
        refused.reason as refused_reason
    from {{ ref('int_publications__figure_missing') }} as missing
    inner join {{ ref('stg_registry__indicator') }} as indicator
        on missing.indicator_id = indicator.indicator_id
    left join area_value
        on missing.area_id = area_value.area_id
        and missing.indicator_id = area_value.indicator_id
        and missing.year = area_value.year
        and missing.vintage = area_value.vintage
    left join {{ ref('sum_of_cities_refused') }} as refused
        on coalesce(indicator.numerator, indicator.indicator_id) = refused.indicator_id
        and area_value.method like '%sum_of_cities%'
        and (
            refused.before_edition is null
            or {{ edition_year('area_value.edition_min') }} < refused.before_edition
        )
),

mixed as (
    select
        figure.figure_id,
        policy.vintage,
        {{ ratio('numerator.value', 'denominator.value', 'indicator.factor') }} as value,
        {{ ratio('numerator.value_low', 'denominator.value_high', 'indicator.factor') }}
            as value_low,
        {{ ratio('numerator.value_high', 'denominator.value_low', 'indicator.factor') }}
            as value_high,
        {{ least_text('numerator.edition_min', 'denominator.edition_min') }} as edition_min,
        {{ greatest_text('numerator.edition_max', 'denominator.edition_max') }} as edition_max,
        numerator.is_estimate or denominator.is_estimate as is_estimate
    from figure
    inner join {{ ref('mixed_vintage_policy') }} as policy
        on figure.indicator_id = policy.indicator_id
    inner join {{ ref('stg_registry__indicator') }} as indicator
        on policy.indicator_id = indicator.indicator_id
    inner join area_value as numerator
        on figure.area_id = numerator.area_id
        and indicator.numerator = numerator.indicator_id
        and figure.year = numerator.year
        and policy.numerator_vintage = numerator.vintage
    inner join area_value as denominator
        on figure.area_id = denominator.area_id
        and indicator.denominator = denominator.indicator_id
        and figure.year = denominator.year
        and policy.denominator_vintage = denominator.vintage
    left join area_value as plain
        on figure.area_id = plain.area_id
        and figure.indicator_id = plain.indicator_id
        and figure.year = plain.year
        and policy.numerator_vintage = plain.vintage
        and plain.value is not null
    where
        numerator.value is not null
        and denominator.value_low > 0
        and plain.area_id is null
),

-- Areas made of parts that are no divisions.
uncoded as (
    select
        circle_id,
        cast(count(*) as varchar(10)) as parts
    from {{ ref('stg_geography__circle_member') }}
    where place_code is null
    group by circle_id
),

-- Figures about air, rivers and parks have checks of their own.
environment as (
    select * from {{ ref('int_air__figure_candidate') }}
),

compared as (
    select
        valued.figure_id,
        valued.vintage,
        case when not valued.is_refused then valued.value end as computed_value,
        case when not valued.is_refused then valued.value_low end as computed_low,
        case when not valued.is_refused then valued.value_high end as computed_high,
        coalesce(valued.is_mixed_vintage, false) as is_mixed_vintage,
        coalesce(valued.is_estimate, false) as is_estimate,
        valued.edition_min,
        valued.edition_max,
        case when not valued.is_refused then valued.fact_id end as computed_fact_id,
        case
            when valued.is_refused and valued.value is not null
                then
                    'The provincial total of this vintage is not held. The sum of the cities, '
                    || valued.refused_reason || ', gives '
                    || {{ shown('valued.value', 2) }} || '; would be filled by ' || valued.would_be_filled_by
            when valued.value is null and valued.missing is null and valued.is_mixed_vintage
                then
                    'Under ' || valued.vintage || ' the members and the province stand in different '
                    || 'editions (' || valued.edition_min || ' to ' || valued.edition_max
                    || '); a share across them is not computed'
            when valued.value is null
                then
                    'Missing under ' || case when valued.vintage = 'none' then 'every vintage' else valued.vintage end
                    || ': ' || coalesce(valued.missing, 'the total of the province; would be filled by ' || valued.would_be_filled_by)
            else ''
        end
        || case when valued.value is null then coalesce(beside.told, '') else '' end as missing,
        case when valued.vintage = 'latest' and valued.value is not null then revised.told end as note
    from valued
    left join {{ ref('int_publications__figure_note') }} as beside
        on valued.figure_id = beside.figure_id
        and beside.kind <> 'revised_members'
    left join {{ ref('int_publications__figure_note') }} as revised
        on valued.figure_id = revised.figure_id
        and revised.kind = 'revised_members'
    where
        valued.value is not null
        or valued.figure_id not in (select environment.figure_id from environment)
    union all
    select
        figure_id,
        vintage,
        value as computed_value,
        value_low as computed_low,
        value_high as computed_high,
        true as is_mixed_vintage,
        is_estimate,
        edition_min,
        edition_max,
        cast(null as varchar(16)) as computed_fact_id,
        '' as missing,
        cast(null as varchar(400)) as note
    from mixed
    union all
    select
        figure_id,
        vintage,
        value as computed_value,
        value_low as computed_low,
        value_high as computed_high,
        is_mixed_vintage,
        is_estimate,
        edition_min,
        edition_max,
        fact_id as computed_fact_id,
        '' as missing,
        note
    from {{ ref('int_publications__figure_special') }}
    union all
    select
        figure_id,
        'same_document' as vintage,
        value as computed_value,
        value_low as computed_low,
        value_high as computed_high,
        false as is_mixed_vintage,
        false as is_estimate,
        cast(null as varchar(20)) as edition_min,
        cast(null as varchar(20)) as edition_max,
        cast(null as varchar(16)) as computed_fact_id,
        rule as missing,
        cast(null as varchar(400)) as note
    from {{ ref('int_publications__figure_own') }}
    union all
    select
        figure.figure_id,
        'none' as vintage,
        cast(null as decimal(28, 10)) as computed_value,
        cast(null as decimal(28, 10)) as computed_low,
        cast(null as decimal(28, 10)) as computed_high,
        false as is_mixed_vintage,
        false as is_estimate,
        cast(null as varchar(20)) as edition_min,
        cast(null as varchar(20)) as edition_max,
        cast(null as varchar(16)) as computed_fact_id,
        case
            when figure.number is null then 'The document prints a dash: there is no figure to check'
            when figure.indicator_reason is not null
                then 'No indicator of the warehouse matches: ' || figure.indicator_reason
            when figure.place_reason is not null
                then 'No place of the warehouse matches: ' || figure.place_reason
            when uncoded.parts is not null
                then
                    'No source measures the area: ' || uncoded.parts
                    || ' of its parts are named by the document and are no divisions'
            when figure.period_text is null then 'The document gives no year for the figure'
            when span.figure_id is not null then span.reason
            else 'The figure is about several years'
        end
        || case
            when spread.figure_id is null then ''
            else
                '. At current prices, ' || spread.series || ', the nine cities give '
                || {{ shown('spread.least', 2) }}
                || case
                    when spread.least = spread.most then ''
                    else ' to ' || {{ shown('spread.most', 2) }} || ' by the choice of mean and divisor'
                end
        end as missing,
        cast(null as varchar(400)) as note
    from figure
    left join {{ ref('int_publications__figure_missing') }} as known
        on figure.figure_id = known.figure_id
    left join special
        on figure.figure_id = special.figure_id
    left join environment
        on figure.figure_id = environment.figure_id
    left join span
        on figure.figure_id = span.figure_id
    left join spread
        on figure.figure_id = spread.figure_id
    left join uncoded
        on figure.circle_id = uncoded.circle_id
    where
        known.figure_id is null
        and special.figure_id is null
        and environment.figure_id is null
    union all
    select
        figure_id,
        vintage,
        computed_value,
        computed_low,
        computed_high,
        false as is_mixed_vintage,
        is_estimate,
        cast(null as varchar(20)) as edition_min,
        cast(null as varchar(20)) as edition_max,
        cast(null as varchar(16)) as computed_fact_id,
        case when vintage = 'recomputed' then '' else missing end as missing,
        case when vintage = 'recomputed' then missing end as note
    from environment
)

select
    compared.figure_id,
    compared.vintage,
    figure.printed_value,
    figure.interval_low,
    figure.interval_high,
    -- A count is exact: one more division, city, day or section is another count, not a rounding.
    case
        when compared.vintage in ('divisions', 'census_2020') or coalesce(exact.is_exact, false) then 0
        else figure.step
    end as step,
    case when figure.number is not null then compared.computed_value end as computed_value,
    case when figure.number is not null then compared.computed_low end as computed_low,
    case when figure.number is not null then compared.computed_high end as computed_high,
    compared.is_mixed_vintage,
    compared.is_estimate,
    compared.edition_min,
    compared.edition_max,
    compared.computed_fact_id,
    case
        when figure.number is null then 'The document prints a dash: there is no figure to check'
        else compared.missing
    end as missing,
    compared.note
from compared
inner join figure
    on compared.figure_id = figure.figure_id
left join environment as exact
    on compared.figure_id = exact.figure_id
    and compared.vintage = exact.vintage
