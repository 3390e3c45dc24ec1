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

import sqlalchemy
from great_expectations.compatibility import pydantic
from great_expectations.datasource.fluent.config_str import ConfigStr
from great_expectations.datasource.fluent.sql_datasource import SQLDatasource
from great_expectations.execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations import UnexpectedRowsExpectation
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

    def get_inspector(self) -> Any:
        """Reflection on the one connection: on the engine, every question opens the file anew."""
        if self._inspector is None:
            with self.get_connection() as connection:
                self._inspector = sqlalchemy.inspect(connection)
        return self._inspector

    def release(self) -> None:
        if self._duck_connection is not None:
            self._duck_connection.close()
            self._duck_connection = None
            self._inspector = None
        self.engine.dispose()


class BrokenRows(UnexpectedRowsExpectation):
    """A SQL rule whose query runs once: GE's own runs it a second time to count the rows.

    For queries of few rows (the runner's return one row of counts, or none): GE fetches 200.
    """

    metric_dependencies = ("unexpected_rows_query.table",)
    _made: Any = pydantic.PrivateAttr(default=None)

    @property
    def configuration(self) -> Any:
        """Made once: GE asks for it some hundred times a rule, and makes it anew each time."""
        if self._made is None:
            self._made = super().configuration
        return self._made

    def _validate(self, metrics: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        rows = metrics["unexpected_rows_query.table"]
        counted = {**metrics, "unexpected_rows_query.row_count": len(rows)}
        return super()._validate(counted, *args, **kwargs)


class DuckDBDatasource(SQLDatasource):
    """`context.data_sources.add_duckdb(...)`."""

    type: Literal["duckdb"] = "duckdb"  # type: ignore[assignment]
    connection_string: Union[ConfigStr, str]  # noqa: UP007  (pydantic v1 reads it at run time)

    @property
    def execution_engine_type(self) -> builtins.type[SqlAlchemyExecutionEngine]:
        return DuckDBExecutionEngine

    def _save_context_project_config(self) -> None:
        """Nothing: the context is an ephemeral one, and written out as YAML for every asset."""


def release_all() -> None:
    """Close every connection that GE still holds to a DuckDB file."""
    for engine in list(_LIVE):
        engine.release()
