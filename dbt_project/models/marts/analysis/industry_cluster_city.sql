-- The clusters of the plan and the cities it gives a role in them, as a full grid.
with role as (
    select * from {{ ref('stg_publications__cluster_city_role') }}
),

cluster as (
    select distinct
        document,
        cluster_type,
        cluster_seq,
        cluster_zh
    from role
),

city as (
    select distinct
        document,
        place_code
    from role
),

counted as (
    select
        document,
        cluster_type,
        cluster_seq,
        place_code,
        cast(count(*) as integer) as roles
    from role
    group by document, cluster_type, cluster_seq, place_code
)

select
    cluster.document,
    cluster.cluster_type,
    cluster.cluster_seq,
    cluster.cluster_zh,
    city.place_code,
    counted.roles is not null as has_role,
    coalesce(counted.roles, 0) as roles
from cluster
inner join city
    on cluster.document = city.document
left join counted
    on cluster.document = counted.document
    and cluster.cluster_type = counted.cluster_type
    and cluster.cluster_seq = counted.cluster_seq
    and city.place_code = counted.place_code
