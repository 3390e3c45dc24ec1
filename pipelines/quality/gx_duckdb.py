"""Great Expectations on DuckDB: the data source that GE lacks.

Belongs here: the engine, the data source and the release of their handles. Not here: suites or
results. Importing this module imports great_expectations (seconds) and registers the data source
type `duckdb`: it must happen before a context is made, and only inside a run.

GE fetches after it closed the connection, unless the dialect is one of its "persisted" ones: hence
one connection per engine. GE also keeps a pool for its connection test: hence NullPool at the
caller and `release_all`, or the next process meets DuckDB's file lock.
"""

from __future__ import annotations

import builtins
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, Union

from great_expectations.datasource.fluent.config_str import ConfigStr
from great_expectations.datasource.fluent.sql_datasource import SQLDatasource
from great_expectations.execution_engine import SqlAlchemyExecutionEngine
from sqlalchemy.dialects import postgresql

_LIVE: weakref.WeakSet[DuckDBExecutionEngine] = weakref.WeakSet()


class DuckDBExecutionEngine(SqlAlchemyExecutionEngine):
    """The SQL engine of GE, speaking PostgreSQL's dialect over one DuckDB connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.dialect_module = postgresql  # regular expressions, LIKE, type names
        self._duck_connection: Any = None
        _LIVE.add(self)

    @contextmanager
    def get_connection(self) -> Iterator[Any]:
        if self._duck_connection is None:
            self._duck_connection = self.engine.connect()
        # A query that raised leaves the transaction aborted, and every later rule would fail too.
        self._duck_connection.rollback()
        yield self._duck_connection

    def release(self) -> None:
        if self._duck_connection is not None:
            self._duck_connection.close()
            self._duck_connection = None
        self.engine.dispose()


class DuckDBDatasource(SQLDatasource):
    """`context.data_sources.add_duckdb(...)`."""

    type: Literal["duckdb"] = "duckdb"  # type: ignore[assignment]
    connection_string: Union[ConfigStr, str]  # noqa: UP007  (pydantic v1 reads it at run time)

    @property
    def execution_engine_type(self) -> builtins.type[SqlAlchemyExecutionEngine]:
        return DuckDBExecutionEngine


def release_all() -> None:
    """Close every connection that GE still holds to a DuckDB file."""
    for engine in list(_LIVE):
        engine.release()
