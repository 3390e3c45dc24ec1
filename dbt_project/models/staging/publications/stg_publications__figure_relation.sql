select * from {{ source('lake', 'figure_relation') }}
