-- Members that can carry a value: a division with a known share in the circle. A part without a
-- published size carries none, and so keeps the circle incomplete instead of wrong. A county that
-- became a district has figures under two codes: value_code names both, the present one first.
with member as (
    select * from {{ ref('stg_geography__circle_member') }}
),

circle as (
    select * from {{ ref('stg_geography__circle') }}
),

code as (
    select
        circle_id,
        place_code,
        place_code as value_code,
        false as is_predecessor
    from member
    where place_code is not null
    union all
    select
        member.circle_id,
        member.place_code,
        succession.old_code as value_code,
        true as is_predecessor
    from member
    inner join {{ ref('division_succession') }} as succession
        on member.place_code = succession.new_code
)

select
    member.circle_id,
    member.place_code,
    code.value_code,
    code.is_predecessor,
    {{ measure('member.weight') }} as weight,
    substr(member.place_code, 1, 2) || '0000' as province_code,
    circle.members_total
from member
inner join circle
    on member.circle_id = circle.circle_id
inner join code
    on member.circle_id = code.circle_id
    and member.place_code = code.place_code
where
    member.place_code is not null
    and member.weight is not null
