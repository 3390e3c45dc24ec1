-- The arithmetic of the checks of documents, made again from their printed figures. One row per
-- check: value (or low and high), what is expected, and how far it may be off.
with figure as (
    select
        *,
        {{ dbt.split_part('place_raw', "'['", 1) }} as place,
        cast(number as double) as n,
        cast(number_low as double) as n_low,
        cast(number_high as double) as n_high
    from {{ ref('stg_publications__printed_figure') }}
    where number is not null
),

paper as (
    select *
    from figure
    where document = 'gz_circle_paper'
),

-- One figure of the paper by what it is: the first print of it.
single as (
    select
        indicator_name,
        place,
        year,
        period_text,
        n,
        n_low,
        n_high,
        row_number() over (
            partition by indicator_name, place, coalesce(period_text, '-') order by figure_id
        ) as choice
    from paper
),

one as (
    select * from single
    where choice = 1
),

-- ---------------------------------------------------------------- table 1: manufacturing
intensity as (
    select
        place,
        year,
        case
            when indicator_name like '%labour%' then '劳动'
            when indicator_name like '%capital%' then '资本'
            else '技术'
        end as kind,
        indicator_name like '%change' as is_change,
        n
    from paper
    where substr(indicator_name, 1, 10) = 'mfg_share_'
),

table_1 as (
    select
        'T1.sum.' || place || '.' || cast(year as varchar(4)) as check_id,
        {{ exact_sum('n') }} as value,
        cast(null as double) as high,
        cast(100 as double) as expected,
        cast(0.05 as double) as tolerance,
        cast(0.1 as double) as slack,
        'three shares of a row add to 100' as rule
    from intensity
    where not is_change
    group by place, year
    union all
    select
        'T1.chg0.' || place as check_id,
        {{ exact_sum('n') }} as value,
        cast(null as double) as high,
        cast(0 as double) as expected,
        cast(0.05 as double) as tolerance,
        cast(0.1 as double) as slack,
        'three changes of a row add to 0' as rule
    from intensity
    where is_change
    group by place
    union all
    select
        'T1.diff.' || change.place || '.' || change.kind as check_id,
        newer.n - older.n as value,
        cast(null as double) as high,
        change.n as expected,
        cast(0.05 as double) as tolerance,
        cast(0.1 as double) as slack,
        '2021 less 2011' as rule
    from intensity as change
    inner join intensity as newer
        on change.place = newer.place
        and change.kind = newer.kind
        and not newer.is_change
        and newer.year = 2021
    inner join intensity as older
        on change.place = older.place
        and change.kind = older.kind
        and not older.is_change
        and older.year = 2011
    where change.is_change
    union all
    select
        'T1.0' as check_id,
        count(distinct place) as value,
        cast(null as double) as high,
        cast(11 as double) as expected,
        cast(0 as double) as tolerance,
        cast(0 as double) as slack,
        'rows of the table' as rule
    from intensity
),

-- ---------------------------------------------------------------- table 2: science
science_name as (
    select
        'rd_personnel' as indicator_name,
        'R&D活动人员' as label,
        'rd_personnel_share_of_guangdong' as share_name
    union all
    select
        'rd_expenditure' as indicator_name,
        'R&D经费' as label,
        'rd_expenditure_share_of_guangdong' as share_name
    union all
    select
        'patents_granted' as indicator_name,
        '专利授权数' as label,
        'patents_granted_share_of_guangdong' as share_name
    union all
    select
        'tech_contract_value' as indicator_name,
        '技术合同交易额' as label,
        'tech_contract_value_share_of_guangdong' as share_name
    union all
    select
        'laboratories' as indicator_name,
        '实验室数' as label,
        'laboratories_share_of_guangdong' as share_name
    union all
    select
        'hightech_enterprises' as indicator_name,
        '高新技术企业数' as label,
        'hightech_enterprises_share_of_guangdong' as share_name
),

science as (
    select
        name.label,
        name.share_name,
        sum(case when one.place not in ('广州都市圈', '广东', '北京', '上海', '深圳') then {{ measure('one.n') }} end)
            as cities,
        max(case when one.place = '广州都市圈' then one.n end) as circle,
        max(case when one.place = '广东' then one.n end) as province,
        max(case when one.place = '深圳' then one.n end) as shenzhen
    from science_name as name
    inner join one
        on name.indicator_name = one.indicator_name
    group by name.label, name.share_name
),

implied as (
    select
        money.place,
        100 * money.n_low / rate.n_high as low,
        100 * money.n_high / rate.n_low as high
    from one as money
    inner join one as rate
        on money.place = rate.place
        and rate.indicator_name = 'rd_intensity'
    where money.indicator_name = 'rd_expenditure'
),

table_2 as (
    select
        'T2.sum.' || label as check_id,
        cast(cities as double) as value,
        cast(null as double) as high,
        circle as expected,
        cast(0.005 as double) as tolerance,
        cast(0.01 as double) as slack,
        'nine cities add to the circle' as rule
    from science
    union all
    select
        'T2.share.' || science.label as check_id,
        100 * science.circle / science.province as value,
        cast(null as double) as high,
        share.n as expected,
        (share.n_high - share.n_low) / 2 as tolerance,
        share.n_high - share.n_low as slack,
        'circle over province' as rule
    from science
    inner join one as share
        on science.share_name = share.indicator_name
    union all
    select
        'T2.rest.' || label as check_id,
        province - circle - shenzhen as value,
        cast(null as double) as high,
        cast(null as double) as expected,
        cast(null as double) as tolerance,
        cast(null as double) as slack,
        'province less circle less 深圳 is not negative' as rule
    from science
    union all
    select
        'T2.impliedGDP.' || place as check_id,
        low as value,
        high,
        cast(null as double) as expected,
        cast(null as double) as tolerance,
        cast(null as double) as slack,
        'R&D expenditure over intensity, both within their digits' as rule
    from implied
    union all
    select
        'T2.impliedGDP.sum' as check_id,
        {{ exact_sum('implied.low') }} as value,
        {{ exact_sum('implied.high') }} as high,
        max(gdp.n) as expected,
        cast(0 as double) as tolerance,
        cast(0 as double) as slack,
        'the intervals of nine cities add to one that holds the printed GDP' as rule
    from implied
    cross join one as gdp
    where
        implied.place not in ('广州都市圈', '广东', '北京', '上海', '深圳')
        and gdp.indicator_name = 'gdp_current'
        and gdp.place = '广州都市圈'
        and gdp.year = 2021
    union all
    select
        'T2.intensity.circle' as check_id,
        100 * money.n / gdp.n as value,
        cast(null as double) as high,
        rate.n as expected,
        cast(0.005 as double) as tolerance,
        cast(0.01 as double) as slack,
        'R&D expenditure over GDP' as rule
    from one as money
    inner join one as gdp
        on money.place = gdp.place
        and gdp.indicator_name = 'gdp_current'
        and gdp.year = 2021
    inner join one as rate
        on money.place = rate.place
        and rate.indicator_name = 'rd_intensity'
    where
        money.indicator_name = 'rd_expenditure'
        and money.place = '广州都市圈'
),

-- ---------------------------------------------------------------- table 4: environment
table_4 as (
    select
        'T4.aqi.' || days.place as check_id,
        100 * days.n / 365 as value,
        cast(null as double) as high,
        rate.n as expected,
        (rate.n_high - rate.n_low) / 2 as tolerance,
        (rate.n_high - rate.n_low) / 2 as slack,
        'good days over 365' as rule
    from one as days
    inner join one as rate
        on days.place = rate.place
        and rate.indicator_name = 'aqi_attainment_rate'
    where days.indicator_name = 'aqi_good_days'
),

-- ---------------------------------------------------------------- the text of the paper
circle as (
    select
        max(case when indicator_name = 'gdp_current' and year = 2010 then n end) as gdp_2010,
        max(case when indicator_name = 'gdp_current' and year = 2021 then n end) as gdp_2021,
        max(case when indicator_name = 'gdp_per_capita_current' and year = 2010 then n end) as head_2010,
        max(case when indicator_name = 'gdp_per_capita_current' and year = 2021 then n end) as head_2021,
        max(case when indicator_name = 'resident_population' then n end) as people_2021,
        max(case when indicator_name = 'population_share_of_guangdong' then n end) as people_share,
        max(case when indicator_name = 'land_area' then n end) as area,
        max(case when indicator_name = 'land_area_share_of_guangdong' then n end) as area_share,
        max(case when indicator_name = 'gdp_cagr_comparable_price' then n end) as growth,
        max(case when indicator_name = 'gdp_per_capita_cagr_comparable_price' then n end) as head_growth,
        max(case when indicator_name = 'above_scale_industrial_output_share_of_guangdong' then n end)
            as output_share,
        max(case when indicator_name = 'above_scale_industrial_output_share_change' then n end)
            as output_change,
        max(case when indicator_name = 'n_cities_county_level_and_above' then n end) as cities,
        sum(case when indicator_name in (
            'n_supercity', 'n_megacity', 'n_large_city_type1', 'n_large_city_type2', 'n_medium_city',
            'n_small_city_type1', 'n_small_city_type2'
        ) then {{ measure('n') }} end) as cities_by_class,
        sum(case when substr(indicator_name, 1, 10) = 'gdp_share_' and indicator_name like '%industry' and year = 2010 then {{ measure('n') }} end)
            as structure_2010,
        sum(case when substr(indicator_name, 1, 10) = 'gdp_share_' and indicator_name like '%industry' and year = 2021 then {{ measure('n') }} end)
            as structure_2021
    from one
    where place = '广州都市圈'
),

guangfo as (
    select
        place,
        indicator_name,
        n,
        row_number() over (partition by place, indicator_name, year order by locator desc, figure_id asc)
            as choice,
        year,
        locator
    from figure
    where document = 'guangfo_plan_2025'
),

guangfo_name as (
    select
        'land_area' as indicator_name,
        '土地面积' as label,
        'land_area_share_of_guangdong' as share_name
    union all
    select
        'resident_population' as indicator_name,
        '常住人口' as label,
        'resident_population_share_of_guangdong' as share_name
    union all
    select
        'gdp_current' as indicator_name,
        '地区生产总值' as label,
        'gdp_current_share_of_guangdong' as share_name
    union all
    select
        'above_scale_industrial_value_added' as indicator_name,
        '规模以上工业增加值' as label,
        'above_scale_industrial_value_added_share_of_guangdong' as share_name
    union all
    select
        'general_public_budget_revenue' as indicator_name,
        '地方一般公共预算收入' as label,
        'general_public_budget_revenue_share_of_guangdong' as share_name
    union all
    select
        'retail_sales' as indicator_name,
        '社会消费品零售总额' as label,
        'retail_sales_share_of_guangdong' as share_name
    union all
    select
        'goods_trade_total' as indicator_name,
        '商品进出口总值' as label,
        'goods_trade_total_share_of_guangdong' as share_name
),

guangfo_row as (
    select
        name.label,
        max(case when guangfo.place = '广州' then guangfo.n end) as guangzhou,
        max(case when guangfo.place = '佛山' then guangfo.n end) as foshan,
        max(case when guangfo.place = '广佛' and guangfo.indicator_name = name.indicator_name then guangfo.n end)
            as both_cities,
        max(case when guangfo.place = '广东' then guangfo.n end) as province,
        max(case when guangfo.indicator_name = name.share_name then guangfo.n end) as share
    from guangfo_name as name
    inner join guangfo
        on name.indicator_name = guangfo.indicator_name
        or name.share_name = guangfo.indicator_name
    where guangfo.locator in ('L76', 'L77', 'L78', 'L79', 'L80', 'L82', 'L83')
    group by name.label
),

guangfo_table as (
    select
        '002.sum.' || label as check_id,
        guangzhou + foshan as value,
        cast(null as double) as high,
        both_cities as expected,
        cast(0.5 as double) as tolerance,
        cast(1 as double) as slack,
        'two cities add to both' as rule
    from guangfo_row
    union all
    select
        '002.share.' || label as check_id,
        100 * both_cities / province as value,
        cast(null as double) as high,
        share as expected,
        cast(0.5 as double) as tolerance,
        cast(1 as double) as slack,
        'both cities over the province' as rule
    from guangfo_row
),

text_check as (
    {% set checks = [
        ('X.gdp.two_prints', 'gdp_2021', '68089.5', '0.05', 'the longer print against one decimal of it'),
        ('X.pc2021', 'gdp_2021 / people_2021 * 10000', 'head_2021', '0.05', 'GDP over resident population'),
        ('X.pop2010', 'gdp_2010 / head_2010 * 10000', none, none, 'GDP over GDP per head'),
        ('X.cagr.nominal', '100 * (power(gdp_2021 / gdp_2010, cast(1 as double) / 11) - 1)', none, none, 'mean nominal growth of GDP'),
        ('X.cagr.nominal.pc', '100 * (power(head_2021 / head_2010, cast(1 as double) / 11) - 1)', none, none, 'mean nominal growth per head'),
        ('X.cagr.pop', '100 * ((1 + growth / 100) / (1 + head_growth / 100) - 1)',
            '100 * (power((gdp_2021 / head_2021) / (gdp_2010 / head_2010), cast(1 as double) / 11) - 1)', '0.01',
            'growth over growth per head, against population from GDP and GDP per head'),
        ('X.area.share', '100 * area / (select province from guangfo_row where label = ' ~ "'土地面积'" ~ ')', 'area_share', '0.05',
            'area over the area of the province that the Guangfo plan prints'),
        ('X.pop.share', '100 * people_2021 / people_share', none, none, 'population over its share'),
        ('X.structure.2010', 'cast(structure_2010 as double)', '100', '0.1', 'three industries add to 100'),
        ('X.structure.2021', 'cast(structure_2021 as double)', '100', '0.1', 'three industries add to 100'),
        ('X.output.share2011', 'output_share - output_change', none, none, 'share of 2021 less its change'),
        ('X.cities17', 'cast(cities_by_class as double)', 'cities', '0', 'classes of cities add to the cities'),
    ] %}
    {% for id, expression, expected, tolerance, rule in checks %}
        select
            '{{ id }}' as check_id,
            cast({{ expression }} as double) as value,
            cast(null as double) as high,
            cast({{ expected or 'null' }} as double) as expected,
            cast({{ tolerance or 'null' }} as double) as tolerance,
            cast({{ tolerance or 'null' }} as double) as slack,
            '{{ rule }}' as rule
        from circle
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

plan as (
    select
        max(case when document = 'gz_circle_plan_2023' and indicator_name = 'gdp_current' then n end)
            as official_gdp,
        max(case when document = 'gz_circle_plan_2023' and indicator_name = 'resident_population' then n end)
            as official_people,
        max(case when document = 'gz_circle_plan_2023' and indicator_name = 'land_area' then n end)
            as official_area,
        max(case when document = 'prw_plan_2023' and indicator_name = 'gdp_current' then n end) as prw_gdp,
        max(case when document = 'prw_plan_2023' and indicator_name = 'resident_population' then n end)
            as prw_people,
        max(case when document = 'prw_plan_2023' and indicator_name = 'above_scale_advanced_mfg_value_added' then n end)
            as advanced,
        max(case when document = 'prw_plan_2023' and indicator_name = 'advanced_mfg_share_of_above_scale_iva' then n end)
            as advanced_share,
        max(case when document = 'guangfo_plan_2025' and indicator_name = 'gdp_current' and place = '广佛' and locator = 'L78' then n end)
            as guangfo_gdp,
        max(case when document = 'guangfo_plan_2025' and indicator_name = 'gdp_current' and year = 2015 then n end)
            as guangfo_gdp_2015,
        max(case when document = 'guangfo_plan_2025' and indicator_name = 'gdp_current' and year = 2020 and locator <> 'L78' and place = '广佛' then n end)
            as guangfo_gdp_text
    from figure
),

plan_check as (
    {% set checks = [
        ('001.pc', 'official_gdp * 10000 / official_people', '13.7', '0.05', 'GDP over residents'),
        ('001.density', 'official_gdp / official_area', '2', '0.5', 'GDP over area'),
        ('002.gdp36', 'guangfo_gdp', 'guangfo_gdp_text * 10000', '500', 'the table against one decimal of the text'),
        ('002.growth1520', '100 * (power(guangfo_gdp_text / guangfo_gdp_2015, cast(1 as double) / 5) - 1)', none, none, 'mean nominal growth 2015-2020'),
        ('002.need2025', '100 * (power(50000 / guangfo_gdp, cast(1 as double) / 5) - 1)', none, none, 'mean nominal growth that 50000 in 2025 needs'),
        ('003.pc', 'prw_gdp * 10000 / prw_people', none, none, 'GDP over residents'),
        ('003.adv', 'advanced / advanced_share * 100', none, none, 'advanced manufacturing over its share'),
    ] %}
    {% for id, expression, expected, tolerance, rule in checks %}
        select
            '{{ id }}' as check_id,
            cast({{ expression }} as double) as value,
            cast(null as double) as high,
            cast({{ expected or 'null' }} as double) as expected,
            cast({{ tolerance or 'null' }} as double) as tolerance,
            cast({{ tolerance or 'null' }} as double) as slack,
            '{{ rule }}' as rule
        from plan
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

counted as (
    select
        'X.units47' as check_id,
        cast(special.value as double) as value,
        cast(null as double) as high,
        cast(47 as double) as expected,
        cast(0 as double) as tolerance,
        cast(0 as double) as slack,
        'county-level units of the members in the table of divisions' as rule
    from {{ ref('int_publications__figure_special') }} as special
    inner join {{ ref('stg_publications__printed_figure') }} as figure
        on special.figure_id = figure.figure_id
    where figure.indicator_name = 'n_county_level_units'
    union all
    select
        'T2.missing' as check_id,
        count(*) as value,
        cast(null as double) as high,
        cast(2 as double) as expected,
        cast(0 as double) as tolerance,
        cast(0 as double) as slack,
        'dashes among the laboratories' as rule
    from {{ ref('stg_publications__printed_figure') }}
    where
        number is null
        and indicator_name = 'laboratories'
),

unioned as (
    select * from table_1
    union all
    select * from table_2
    union all
    select * from table_4
    union all
    select * from guangfo_table
    union all
    select * from text_check
    union all
    select * from plan_check
    union all
    select * from counted
)

select
    check_id,
    value,
    high,
    expected,
    rule,
    case
        when expected is null then case when value < 0 then 'mismatch' else 'pass' end
        when high is not null
            then case when expected between value and high then 'pass' else 'mismatch' end
        when {{ rounded('abs(value - expected)', 8) }} <= tolerance then 'pass'
        when {{ rounded('abs(value - expected)', 8) }} <= slack then 'rounding'
        else 'mismatch'
    end as status
from unioned
