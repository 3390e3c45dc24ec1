-- 规划目标还差多少？每年需要多快，实际多快？
-- How far are the plans from their targets, how fast must it go, and how fast does it go?
select
    target_id,
    coalesce(circle_id, place_code) as region,
    indicator_id,
    target_text,
    horizon_year,
    latest_value,
    latest_year,
    unit,
    round(gap, 2) as gap,
    round(required_annual_change, 3) as needed_a_year,
    round(observed_annual_change, 3) as observed_a_year,
    status,
    reason
from policy_target_progress
where status <> 'not_measurable'
order by horizon_year, target_id
