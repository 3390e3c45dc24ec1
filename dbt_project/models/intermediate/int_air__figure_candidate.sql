-- What can be said of the printed figures about air, rivers and parks (the paper's table 4): one row
-- per figure and way of checking. `same_document` makes a figure from others of its document: days
-- from rates and back, sections as a whole number of their set. `recomputed` rests on daily values of
-- the warehouse. Where nothing can be computed, `missing` says what is known all the same.
-- Counts are exact: a rate that no number of days or sections gives is no matter of rounding.
{% set days = 365 %}
with figure as (
    select * from {{ ref('stg_publications__printed_figure') }}
    where
        number is not null
        and place_code is not null
        and indicator_raw in (
            'PM2.5年平均浓度', '空气质量优良天数', 'AQI达标率', 'AQI全省排名',
            '国控地表水断面优良率', '省考地表水断面优良率', '水环境质量全省排名',
            '城市人均公园绿地面积', '国控地表水断面数', '省考地表水断面数'
        )
),

-- Of days and of rates, the other one of the same place.
rate_and_days as (
    select
        rate.figure_id as rate_id,
        days.figure_id as days_id,
        rate.number as rate,
        rate.number_low as rate_low,
        rate.number_high as rate_high,
        days.number as days
    from figure as rate
    inner join figure as days
        on rate.document = days.document
        and rate.place_code = days.place_code
        and rate.year = days.year
    where
        rate.indicator_raw = 'AQI达标率'
        and days.indicator_raw = '空气质量优良天数'
),

by_days as (
    select
        rate_id as figure_id,
        'same_document' as vintage,
        {{ ratio('days', days, '100') }} as computed_value,
        {{ ratio('days', days, '100') }} as computed_low,
        {{ ratio('days', days, '100') }} as computed_high,
        true as is_exact,
        false as is_estimate,
        cast(cast(days as integer) as varchar(10)) || ' of {{ days }} days' as missing
    from rate_and_days
    union all
    select
        days_id as figure_id,
        'same_document' as vintage,
        {{ ratio('rate * ' ~ days, '100', '1') }} as computed_value,
        {{ ratio('rate_low * ' ~ days, '100', '1') }} as computed_low,
        {{ ratio('rate_high * ' ~ days, '100', '1') }} as computed_high,
        true as is_exact,
        false as is_estimate,
        'the printed rate of {{ days }} days' as missing
    from rate_and_days
),

-- Annual means of daily values that a third party kept, one decimal each.
mean as (
    select
        place_code,
        period_start,
        period_end,
        document,
        max(case when measure = 'pm25_ugm3' then value end) as value,
        max(case when measure = 'pm25_ugm3' then power(cast(10 as double), -decimals) end) as step,
        max(case when measure = 'valid_days' then value end) as days
    from {{ ref('stg_environment__bulletin') }}
    where period_type = 'year'
    group by place_code, period_start, period_end, document
),

by_mean as (
    select
        figure.figure_id,
        'recomputed' as vintage,
        {{ measure('mean.value') }} as computed_value,
        {{ measure('mean.value - 0.5 * mean.step') }} as computed_low,
        {{ measure('mean.value + 0.5 * mean.step') }} as computed_high,
        false as is_exact,
        false as is_estimate,
        'mean of ' || cast(cast(mean.days as integer) as varchar(10))
        || ' days of hourly city values, kept by a third party (' || mean.document || ')'
        || case
            when
                mean.value - 0.5 * mean.step < figure.interval_high
                and mean.value + 0.5 * mean.step > figure.interval_high
                then '; its last digit leaves open on which side of the tie it lies'
            else ''
        end as missing
    from figure
    inner join mean
        on figure.place_code = mean.place_code
        and figure.year = extract(year from mean.period_start)
    where
        figure.indicator_raw = 'PM2.5年平均浓度'
        and mean.value is not null
),

section_set as (
    select
        document,
        year,
        max(case when indicator_raw = '国控地表水断面数' then number end) as national,
        max(case when indicator_raw = '省考地表水断面数' then number end) as provincial
    from figure
    group by document, year
),

-- The province's rates are a whole number of its set; the header prints both sets.
province_rate as (
    select
        figure.figure_id,
        figure.number as rate,
        case when figure.indicator_raw = '国控地表水断面优良率' then national else provincial end as own,
        case when figure.indicator_raw = '国控地表水断面优良率' then provincial else national end
            as other
    from figure
    inner join section_set
        on figure.document = section_set.document
        and figure.year = section_set.year
    where
        figure.place_code = '440000'
        and figure.indicator_raw in ('国控地表水断面优良率', '省考地表水断面优良率')
),

counted as (
    select
        *,
        {{ rounded('rate * own / 100', 0) }} as k,
        {{ rounded('rate * other / 100', 0) }} as k_other
    from province_rate
),

by_sections as (
    select
        figure_id,
        'same_document' as vintage,
        {{ ratio('k', 'own', '100') }} as computed_value,
        {{ ratio('k', 'own', '100') }} as computed_low,
        {{ ratio('k', 'own', '100') }} as computed_high,
        true as is_exact,
        false as is_estimate,
        cast(cast(k as integer) as varchar(10)) || ' of ' || cast(cast(own as integer) as varchar(10))
        || ' sections, the nearest whole number'
        || case
            when abs(100 * k_other / other - rate) <= 0.05 and abs(100 * k / own - rate) > 0.05
                then
                    '; the printed rate is ' || cast(cast(k_other as integer) as varchar(10))
                    || ' of ' || cast(cast(other as integer) as varchar(10))
                    || ', the number of the other set'
            else ''
        end as missing
    from counted
),

-- Sections of the set as the bulletins of the same year count them.
by_bulletin as (
    select
        figure.figure_id,
        'recomputed' as vintage,
        {{ measure('max(section.value)') }} as computed_value,
        {{ measure('max(section.value)') }} as computed_low,
        {{ measure('max(section.value)') }} as computed_high,
        true as is_exact,
        false as is_estimate,
        'as the bulletin counts the sections' as missing
    from figure
    inner join {{ ref('stg_environment__water_bulletin') }} as section
        on figure.place_code = section.place_code
        and figure.year = extract(year from section.period_end)
        and section.section_set like case
            when figure.indicator_raw = '国控地表水断面数' then 'national%' else 'provincial%'
        end
    where
        figure.indicator_raw in ('国控地表水断面数', '省考地表水断面数')
        and section.measure = 'water_sections'
    group by figure.figure_id
),

rate as (
    select
        document,
        year,
        place_code,
        number
    from figure
    where
        indicator_raw = 'AQI达标率'
        and place_code like '44%'
        and place_code <> '440000'
),

-- A rank among 21 cities from the rates of those that the document prints: what they leave open.
rank_bounds as (
    select
        figure.figure_id,
        sum(case when other.number > own.number then 1 else 0 end) + 1 as rank_best,
        21 - sum(case when other.number < own.number then 1 else 0 end) as rank_worst,
        count(*) as cities,
        max(figure.number) as printed
    from figure
    inner join rate as own
        on figure.document = own.document
        and figure.year = own.year
        and figure.place_code = own.place_code
    inner join rate as other
        on figure.document = other.document
        and figure.year = other.year
    where figure.indicator_raw = 'AQI全省排名'
    group by figure.figure_id
),

park as (
    select
        place_code,
        year,
        value
    from {{ ref('int_policy__cells') }}
    where
        indicator_id = 'park_green_area_districts'
        and vintage = 'as_of:2022'
),

resident as (
    select
        place_code,
        year,
        value
    from {{ ref('int_policy__cells') }}
    where
        indicator_id = 'population_resident'
        and vintage = 'latest'
),

explained as (
    select
        figure.figure_id,
        case figure.indicator_raw
            when 'PM2.5年平均浓度'
                then 'No annual mean of the place and year is held: neither a bulletin of the year nor its days'
            when '空气质量优良天数'
                then 'No rate of the place and year is printed beside it'
            when 'AQI达标率'
                then 'No number of good days of the place and year is printed beside it'
            when 'AQI全省排名'
                then
                    'The rank among 21 cities needs the rate of each; '
                    || cast(rank_bounds.cities as varchar(10)) || ' are printed, and leave places '
                    || cast(cast(rank_bounds.rank_best as integer) as varchar(10)) || ' to '
                    || cast(cast(rank_bounds.rank_worst as integer) as varchar(10)) || ' open'
                    || case
                        when rank_bounds.printed between rank_bounds.rank_best and rank_bounds.rank_worst
                            then ', the printed one among them'
                        else ', the printed one is not among them'
                    end
            when '水环境质量全省排名'
                then
                    'A published rank: neither the index of the cities is held nor its formula (粤环函〔2018〕1271号)'
            when '城市人均公园绿地面积'
                then
                    'The population of the built-up city that the area is divided by is not held'
                    || case
                        when park.value is not null
                            then
                                '; the park area of the districts, ' || {{ shown('park.value', 1) }}
                                || ' hectares, over the printed area a head would be '
                                || {{ shown('park.value / figure.number', 1) }} || ' 万 people'
                                || case
                                    when resident.value is not null
                                        then
                                            ' against ' || {{ shown('resident.value', 1) }}
                                            || ' 万 residents of the whole city'
                                    else ''
                                end
                                || case
                                    when park.value / figure.number > resident.value
                                        then ', more than live there'
                                    else ''
                                end
                        else ''
                    end
                    || case
                        when figure.place_code <> '440000' and province.number = figure.number
                            then '; equal to the printed figure of the province, so perhaps copied'
                        else ''
                    end
            when '国控地表水断面数'
                then 'No bulletin of the year that counts the national sections is held'
            when '省考地表水断面数'
                then
                    'No bulletin of the year that counts the provincial sections is held; the one of 2020 counts 187, of which 168 are assessed surface-water sections and 19 lie at river mouths'
            else
                'How many sections the city has is not printed'
                || case
                    when fraction.n is not null
                        then
                            '; the smallest number that gives the rate is '
                            || cast(fraction.k as varchar(10)) || ' of ' || cast(fraction.n as varchar(10))
                    else ''
                end
        end as missing
    from figure
    left join rank_bounds
        on figure.figure_id = rank_bounds.figure_id
    left join park
        on figure.place_code = park.place_code
        and figure.year = park.year
    left join resident
        on figure.place_code = resident.place_code
        and figure.year = resident.year
    left join figure as province
        on province.place_code = '440000'
        and figure.document = province.document
        and figure.year = province.year
        and figure.indicator_raw = province.indicator_raw
    left join {{ ref('int_air__smallest_fraction') }} as fraction
        on {{ half_even('figure.number', 1) }} = fraction.rate_pct
        and fraction.n > 1
),

computed as (
    select * from by_days
    union all
    select * from by_mean
    union all
    select * from by_sections
    union all
    select * from by_bulletin
)

select
    figure_id,
    vintage,
    computed_value,
    computed_low,
    computed_high,
    is_exact,
    is_estimate,
    missing
from computed
union all
select
    explained.figure_id,
    'none' as vintage,
    cast(null as decimal(28, 10)) as computed_value,
    cast(null as decimal(28, 10)) as computed_low,
    cast(null as decimal(28, 10)) as computed_high,
    false as is_exact,
    false as is_estimate,
    explained.missing
from explained
left join computed
    on explained.figure_id = computed.figure_id
where computed.figure_id is null
