select * from {{ source('lake', 'water_section_reading') }}
