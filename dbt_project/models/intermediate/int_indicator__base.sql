-- Printed values, province sums and means of two year ends side by side: everything a ratio may be
-- built from.
with printed as (
    select
        fact_id,
        snapshot_id,
        locator,
        source_kind,
        document,
        edition,
        published_on,
        published_on_precision,
        place_code,
        indicator_id,
        data_year,
        scope,
        status,
        unit,
        value_raw,
        unit_raw,
        value_text,
        decimals,
        correction_id,
        note,
        read_from,
        read_sha256,
        read_locator,
        value,
        value_low,
        value_high,
        false as is_estimate,
        cast(null as varchar(100)) as method
    from {{ ref('stg_yearbook__observation') }}
),

made as (
    select
        fact_id,
        document,
        edition,
        published_on,
        published_on_precision,
        place_code,
        indicator_id,
        data_year,
        scope,
        status,
        unit,
        value,
        value_low,
        value_high,
        true as is_estimate,
        'sum_of_cities' as method
    from {{ ref('int_indicator__province_sum') }}
    union all
    select
        fact_id,
        document,
        edition,
        published_on,
        published_on_precision,
        place_code,
        indicator_id,
        data_year,
        scope,
        status,
        unit,
        value,
        value_low,
        value_high,
        is_estimate,
        method
    from {{ ref('int_indicator__year_average') }}
),

derived as (
    select
        fact_id,
        cast(null as varchar(16)) as snapshot_id,
        cast(null as varchar(100)) as locator,
        'secondary' as source_kind,
        document,
        edition,
        published_on,
        published_on_precision,
        place_code,
        indicator_id,
        data_year,
        scope,
        status,
        unit,
        cast(null as double) as value_raw,
        cast(null as varchar(20)) as unit_raw,
        cast(null as varchar(100)) as value_text,
        cast(null as integer) as decimals,
        cast(null as varchar(100)) as correction_id,
        cast(null as varchar(500)) as note,
        cast(null as varchar(300)) as read_from,
        cast(null as varchar(12)) as read_sha256,
        cast(null as varchar(100)) as read_locator,
        value,
        value_low,
        value_high,
        is_estimate,
        method
    from made
)

select * from printed
union all
select * from derived
