"""Stand-ins for the dbt macros our models call, so that sqlfluff can read models without dbt."""


def hash(field: str) -> str:
    return f"md5({field})"


def listagg(measure, delimiter_text="','", order_by_clause=None, limit_num=None):
    return f"listagg({measure}, {delimiter_text})"


def date_trunc(part: str, field: str) -> str:
    return f"date_trunc('{part}', {field})"


def last_day(field: str, part: str) -> str:
    return f"last_day({field})"


def datediff(first_date: str, second_date: str, datepart: str) -> str:
    return f"datediff('{datepart}', {first_date}, {second_date})"


def dateadd(datepart: str, interval: int, from_date: str) -> str:
    return f"dateadd('{datepart}', {interval}, {from_date})"


def split_part(string_text: str, delimiter_text: str, part_number: int) -> str:
    return f"split_part({string_text}, {delimiter_text}, {part_number})"
