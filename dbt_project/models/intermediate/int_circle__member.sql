-- Members that can carry a value: a division with a known share in the circle. A part without a
-- published size carries none, and so keeps the circle incomplete instead of wrong.
with member as (
    select * from {{ ref('stg_geography__circle_member') }}
),

circle as (
    select * from {{ ref('stg_geography__circle') }}
)

select
    member.circle_id,
    member.place_code,
    {{ measure('member.weight') }} as weight,
    substr(member.place_code, 1, 2) || '0000' as province_code,
    circle.members_total
from member
inner join circle
    on member.circle_id = circle.circle_id
where
    member.place_code is not null
    and member.weight is not null
