"""Stand-in for dbt's adapter, so that sqlfluff can read models whose macros dispatch by engine."""

from collections.abc import Callable


def dispatch(name: str, package: str) -> Callable[..., str]:
    return lambda *arguments: f"{name}({arguments[0]})"
