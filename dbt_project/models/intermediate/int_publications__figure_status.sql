-- The verdict on every comparison, and why (architecture, section 4, rule 7).
with candidate as (
    select * from {{ ref('int_publications__figure_candidate') }}
),

judged as (
    select
        candidate.*,
        {{ printed_status('candidate') }} as status
    from candidate
)

select
    judged.*,
    case judged.status
        when 'not_computable' then judged.missing
        when 'internally_consistent' then 'Intervals overlap; ' || judged.missing
        when 'reproduced'
            then
                'Every value that the inputs allow ('
                || {{ shown('judged.computed_low') }} || ' to ' || {{ shown('judged.computed_high') }}
                || ') is printed like this'
                || case when judged.is_estimate then '; the province is the sum of its cities' else '' end
        when 'consistent'
            then
                case
                    when
                        judged.computed_value >= judged.interval_low
                        and judged.computed_value <= judged.interval_high
                        then
                            'Computed ' || {{ shown('judged.computed_value') }}
                            || ', which the printed digits allow; rounding of the inputs leaves '
                    else 'Intervals overlap: computed '
                end
                || {{ shown('judged.computed_low') }} || ' to ' || {{ shown('judged.computed_high') }}
        when 'rounding'
            then
                'Off by ' || {{ shown('abs(judged.computed_value - judged.printed_value)') }}
                || ', at most one unit of the last printed digit'
                || {{ cut_off('judged') }}
        when 'mismatch'
            then
                'Computed ' || {{ shown('judged.computed_value') }}
                || ', printed ' || {{ shown('judged.printed_value') }}
                || {{ apart('judged') }}
                || {{ cut_off('judged') }}
                || case when judged.missing <> '' then '; ' || judged.missing else '' end
    end
    || case
        when not judged.is_mixed_vintage or judged.computed_value is null then ''
        when judged.note is not null then ''
        when judged.edition_min = judged.edition_max then '; inputs of several documents'
        else
            '; inputs of several editions (' || judged.edition_min || ', ' || judged.edition_max
            || ')'
    end
    || case
        when
            judged.note is null
            and judged.is_estimate
            and judged.status in ('consistent', 'rounding', 'mismatch')
            then '; the province is the sum of its cities'
        else ''
    end
    || coalesce('; ' || judged.note, '') as reason
from judged
