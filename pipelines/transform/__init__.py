"""The harmonise room seen from Python: dbt in process, one DuckDB writer, contracts rendered."""
