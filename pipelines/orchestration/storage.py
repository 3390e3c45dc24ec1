"""Dagster's run history in SQLite, with its files kept open.

Belongs here: how the event log is connected to. Not here: what is logged, or where (dagster.yaml).

Dagster's own storage opens the database of a run for every event and closes it again. Closing the
last connection of a write-ahead log folds it into the database and syncs both, so a refresh of some
seven hundred events spent a fifth of its time on that. Here each process keeps the few databases it
used last open, and the log is synced when it is folded in: after a power failure the end of a run's
history may be missing, never a part of a release.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from sqlalchemy.pool import StaticPool

KEPT_OPEN = 4  # the run at work, the index of all runs, and two that somebody looks at


class EventLog(SqliteEventLogStorage):
    """The event log of Dagster, one lasting connection a database."""

    def __init__(self, base_dir: str, inst_data: Any = None) -> None:
        self._engines: dict[str, sqlalchemy.Engine] = {}
        super().__init__(base_dir, inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[sqlalchemy.Connection]:
        # Under the lock, which is Dagster's, one thread at a time uses a connection.
        with self._db_lock:
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.connect() as connection, connection.begin():
                yield connection

    def _engine(self, shard: str) -> sqlalchemy.Engine:
        engine = self._engines.pop(shard, None)
        if engine is None or not Path(self.path_for_shard(shard)).exists():
            engine = sqlalchemy.create_engine(
                self.conn_string_for_shard(shard),
                poolclass=StaticPool,
                connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
            )
            sqlalchemy.event.listen(engine, "connect", _sync_less)
            self._initialized_dbs.discard(shard)
        self._engines[shard] = engine  # the last one is the one used last
        while len(self._engines) > KEPT_OPEN:
            self._engines.pop(next(iter(self._engines))).dispose()
        return engine

    def dispose(self) -> None:
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()
        super().dispose()


def _sync_less(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA synchronous=NORMAL")


class Storage(DagsterSqliteStorage):
    """Runs, events and schedules under one folder, for `storage: custom` of dagster.yaml."""

    def __init__(self, base_dir: str, inst_data: Any = None) -> None:
        super().__init__(base_dir, inst_data)
        own: Any = self._event_log_storage
        self._event_log_storage = EventLog(own._base_dir)

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> Storage:
        return cls.from_local(inst_data=inst_data, **config_value)
