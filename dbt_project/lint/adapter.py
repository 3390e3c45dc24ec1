"""Stand-in for dbt's adapter, so that sqlfluff can read macros that dispatch on the engine."""

from collections.abc import Callable


def dispatch(name: str, package: str = "") -> Callable[..., str]:
    """A call that reads like the dispatched macro's: sqlfluff looks at the shape only."""
    return lambda *arguments: f"{name}({arguments[0]})"
