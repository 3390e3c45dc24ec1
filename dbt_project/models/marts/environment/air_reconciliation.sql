with printed as (
    select * from {{ ref('int_air__printed_period') }}
),

-- A period is made of one edition of a series: the one that holds most of its days.
made as (
    select
        *,
        row_number() over (
            partition by place_code, period_start, period_end, measure, document, network
            order by days desc, edition asc
        ) as choice
    from {{ ref('int_air__made_period') }}
),

paired as (
    select
        printed.place_code,
        printed.period_type,
        printed.period_start,
        printed.period_end,
        printed.measure,
        printed.document as published_document,
        printed.edition as published_edition,
        printed.locator as published_locator,
        printed.value_text as published_text,
        printed.value as published_value,
        printed.interval_low,
        printed.interval_high,
        printed.step,
        printed.network as published_network,
        printed.state as published_state,
        coalesce(made.document, 'none') as recomputed_document,
        coalesce(made.network, 'none') as recomputed_network,
        made.state as recomputed_state,
        made.value as recomputed_value,
        made.value_low as recomputed_low,
        made.value_high as recomputed_high,
        made.days,
        made.is_valid,
        made.made_of,
        made.not_official_reason,
        {{ days_between('printed.period_start', 'printed.period_end') }} + 1 as days_of_period
    from printed
    left join made
        on printed.place_code = made.place_code
        and printed.period_start = made.period_start
        and printed.period_end = made.period_end
        and printed.measure = made.measure
        and made.choice = 1
),

judged as (
    select
        *,
        case
            when recomputed_value is null then 'not_computable'
            when recomputed_low >= interval_low and recomputed_high <= interval_high then 'reproduced'
            when recomputed_low <= interval_high and recomputed_high >= interval_low then 'consistent'
            when abs(recomputed_value - published_value) <= step then 'rounding'
            else 'mismatch'
        end as status,
        -- The recomputed value lies at the end of the printed interval, or its own one crosses it.
        coalesce(
            (recomputed_low <= interval_low and recomputed_high >= interval_low)
            or (recomputed_low <= interval_high and recomputed_high >= interval_high),
            false
        ) as is_tie
    from paired
)

select
    judged.place_code,
    judged.period_start,
    judged.period_end,
    judged.measure,
    judged.published_document,
    judged.recomputed_document,
    judged.recomputed_network,
    place.place_name_zh,
    place.place_name_en,
    judged.period_type,
    judged.published_edition,
    judged.published_locator,
    judged.published_text,
    {{ published('judged.published_value') }} as published_value,
    {{ published('judged.interval_low') }} as interval_low,
    {{ published('judged.interval_high') }} as interval_high,
    {{ published('judged.recomputed_value') }} as recomputed_value,
    {{ published('judged.recomputed_low') }} as recomputed_low,
    {{ published('judged.recomputed_high') }} as recomputed_high,
    cast(judged.days as integer) as days,
    cast(judged.days_of_period as integer) as days_of_period,
    judged.status,
    judged.is_tie,
    case
        when judged.status = 'not_computable' and judged.place_code like '__0000'
            then 'the province is made of its cities: see air_period_check'
        when judged.status = 'not_computable'
            then 'no daily or hourly series of the place that gives the measure covers the period'
        when judged.status = 'reproduced' and not judged.is_tie then null
        when judged.is_tie
            then 'tie: the recomputed value lies at the end of the printed interval'
        when judged.published_network <> judged.recomputed_network
            then 'different sets of stations: ' || judged.published_network || ' and ' || judged.recomputed_network
        when judged.published_state <> judged.recomputed_state
            then 'different states of concentrations: ' || judged.published_state || ' and ' || judged.recomputed_state
        when judged.days < judged.days_of_period
            then
                'days are missing: ' || cast(judged.days as varchar(10)) || ' of '
                || cast(judged.days_of_period as varchar(10))
        when
            judged.made_of in ('city_hours', 'third_party')
            or judged.recomputed_document in ('quotsoft_city_means', 'aqistudy_cities_2013_2017')
            then 'made of hourly city values; the authority takes the mean of the stations'' days'
        when judged.recomputed_document = 'tianqihoubao_daily'
            then 'the archive cuts concentrations to whole numbers'
        else 'not known'
    end as cause,
    judged.published_network,
    judged.published_state,
    judged.recomputed_state,
    coalesce(judged.is_valid and judged.not_official_reason is null, false) as is_official,
    case
        when judged.recomputed_value is null then 'nothing is recomputed'
        when not judged.is_valid then 'fewer valid days than HJ 663-2013 asks for'
        else judged.not_official_reason
    end as not_official_reason
from judged
left join {{ ref('int_air__place') }} as place
    on judged.place_code = place.place_code
