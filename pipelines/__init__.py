"""The Metrocircle warehouse: a Dagster code location and the `metrocircle` command."""
