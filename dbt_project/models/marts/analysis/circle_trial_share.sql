select
    circle_id,
    city_code,
    units,
    units_included,
    units_included_names,
    2020 as population_share_year,
    {{ rounded('population_share', 6) }} as population_share,
    2019 as output_share_year,
    {{ rounded('output_share', 6) }} as output_share,
    {{ rounded('city_gdp', 4) }} as city_gdp,
    {{ rounded('units_gdp', 4) }} as units_gdp,
    output_basis
from {{ ref('int_circle__apportion') }}
