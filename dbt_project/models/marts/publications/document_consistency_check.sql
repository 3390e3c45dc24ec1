-- The checks of a reader of the documents, with the same arithmetic made again where figures allow.
-- A result agrees if it equals the reader's to the digits that the reader wrote.
with joined as (
    select
        stated.*,
        result.check_id is not null as is_recomputed,
        result.value,
        result.high,
        result.expected,
        result.rule,
        case
            -- A derived value is no verdict: the reader wrote info, and so do we.
            when result.expected is null and stated.status = 'info' and result.status = 'pass' then 'info'
            when stated.status = 'info' and result.status = 'pass' then 'info'
            else result.status
        end as recomputed_status,
        -- The first number of what the reader wrote, and the second where it is an interval.
        {{ number_in('stated.result_text', 1) }} as stated_value,
        {{ number_in('stated.result_text', 2) }} as stated_high,
        {{ digits_in('stated.result_text') }} as stated_digits
    from {{ ref('stg_publications__document_check') }} as stated
    left join {{ ref('int_publications__check_result') }} as result
        on stated.check_id = result.check_id
)

select
    check_id,
    document,
    locator,
    what,
    result_text,
    expected_text,
    status,
    case when is_recomputed then 'recomputed' else 'read_in_document' end as coverage,
    {{ rounded('value', 8) }} as recomputed_value,
    {{ rounded('high', 8) }} as recomputed_high,
    {{ rounded('expected', 8) }} as expected_value,
    recomputed_status,
    case
        when is_recomputed
            then
                recomputed_status = status
                and (
                    stated_value is null
                    or abs(value - stated_value) <= 0.5000001 * power(cast(10 as double), -stated_digits)
                )
                and (high is null or abs(high - stated_high) <= 0.5000001 * power(cast(10 as double), -stated_digits))
    end as agrees,
    rule
from joined
