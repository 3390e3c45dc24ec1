{% set measures = [
    'pm25_rank', 'aqi_rank', 'composite_index_rank', 'aqi_rate_pct', 'pm25_ugm3', 'pm10_ugm3',
] %}
with printed as (
    select
        *,
        case
            when value is not null then power(cast(10 as double), -decimals)
        end as step
    from {{ ref('stg_environment__bulletin') }}
    where
        -- Ranks of cities, means of the province: what the printed city values decide.
        (
            measure like '%~_rank' escape '~'
            and measure not in ('no2_rank', 'composite_index_change_rank')
            and place_code <> '440000'
        )
        or (measure in ('aqi_rate_pct', 'pm25_ugm3', 'pm10_ugm3') and place_code = '440000')
        -- The rank of change needs last year's values; it is loaded, never computed.
),

recomputed as (
    {% for measure in measures %}
        select
            place_code,
            document,
            edition,
            network,
            period_start,
            period_end,
            '{{ measure }}' as measure,
            cast({{ measure }} as decimal(18, 4)) as value
        from {{ ref('int_air__period_ranked') }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

compared as (
    select
        printed.place_code,
        printed.period_start,
        printed.period_end,
        printed.document,
        printed.edition,
        printed.measure,
        printed.value_text as printed_text,
        {{ published('printed.value') }} as printed_value,
        -- To the printed decimals: a printed 100% cannot show a tenth.
        case
            when printed.measure = 'aqi_rate_pct' and printed.decimals = 0
                then {{ published(half_even('recomputed.value')) }}
            else {{ published('recomputed.value') }}
        end as recomputed_value,
        printed.step,
        printed.locator
    from printed
    left join recomputed
        on printed.place_code = recomputed.place_code
        and printed.document = recomputed.document
        and printed.edition = recomputed.edition
        and printed.network = recomputed.network
        and printed.period_start = recomputed.period_start
        and printed.period_end = recomputed.period_end
        and printed.measure = recomputed.measure
)

select
    place_code,
    period_start,
    period_end,
    document,
    edition,
    measure,
    printed_text,
    printed_value,
    recomputed_value,
    case
        when printed_value is null or recomputed_value is null then 'not_computable'
        when printed_value = recomputed_value then 'internally_consistent'
        when
            measure not like '%~_rank' escape '~'
            and abs(printed_value - recomputed_value) <= step * 1.000001
            then 'rounding'
        else 'mismatch'
    end as status,
    case
        when printed_value is null then 'no number is printed'
        when recomputed_value is null then 'a city value that the rule needs is not printed'
    end as reason,
    locator
from compared
