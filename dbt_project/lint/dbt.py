"""Stand-ins for the dbt macros our models call, so that sqlfluff can read models without dbt."""


def hash(field: str) -> str:
    return f"md5({field})"
