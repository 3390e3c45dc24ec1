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
        when 'consistent'
            then
                'Intervals overlap: computed ' || {{ shown('judged.computed_low') }}
                || ' to ' || {{ shown('judged.computed_high') }}
                || case
                    when judged.is_mixed_vintage
                        then
                            '; inputs of several editions (' || judged.edition_min || ', '
                            || judged.edition_max || ') allow no more'
                    else ''
                end
        when 'rounding'
            then
                'Off by ' || {{ shown('abs(judged.computed_value - judged.printed_value)') }}
                || ', at most one unit of the last printed digit'
        when 'mismatch'
            then
                'Computed ' || {{ shown('judged.computed_value') }}
                || ', printed ' || {{ shown('judged.printed_value') }}
                || case
                    when judged.is_mixed_vintage
                        then
                            '; inputs of several editions (' || judged.edition_min || ', '
                            || judged.edition_max || ')'
                    else ''
                end
                || case when judged.missing <> '' then '; ' || judged.missing else '' end
    end as reason
from judged
