"""Stand-ins for the dbt macros our models call, so that sqlfluff can read models without dbt."""


def hash(field: str) -> str:
    return f"md5({field})"


def listagg(measure, delimiter_text="','", order_by_clause=None, limit_num=None):
    return f"listagg({measure}, {delimiter_text})"
