"""Typed settings: the only reader of the environment.

Belongs here: where things lie and the few switches a user has. Not here: opening any file.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.errors import MetrocircleError

ROOT = Path(__file__).resolve().parent.parent
# Sources with a client for a live site.
LIVE_SOURCES = frozenset({"environment", "rail", "yearbook"})

ENGINES = ("duckdb", "spark")


@dataclass(frozen=True)
class Settings:
    """Where the house stands. Every path is absolute.

    warehouse: produced data (archive, lake, build, releases, current).
    sources: transcriptions, maps and registries in git.
    dbt_project, expectations: code of the harmonise and quality rooms.
    drop: a folder of originals that a user holds, or None.
    threads: DuckDB and dbt threads.
    schedules_on: whether Dagster schedules start switched on.
    engine: what builds the dbt models, `duckdb` or `spark`.
    spark_python: the interpreter of the Spark environment (`make spark`).
    fetch: sources whose live clients may ask their real sites; none unless named.
    fetch_contact: mail or web address that the sites are told.
    fetch_pace: factor on every wait of the clients; below 1 only for a server on this machine.
    alert_webhook, alert_mail_to, alert_mail_from, alert_smtp (host:port), alert_smtp_login
        (user:password): where alerts go beside the log. What may hold a secret is never printed.
    accept_changes: publish also what the gate would hold back for changing too much.
    dagster_postgres: the address of a PostgreSQL database for Dagster's runs; SQLite without one.
    """

    root: Path = ROOT
    warehouse: Path = ROOT / "warehouse"
    sources: Path = ROOT / "sources"
    dbt_project: Path = ROOT / "dbt_project"
    drop: Path | None = None
    threads: int = field(default_factory=lambda: max(1, min(4, os.cpu_count() or 1)))
    schedules_on: bool = False
    engine: str = "duckdb"
    spark_python: Path = ROOT / ".venv-spark" / "bin" / "python"
    fetch: frozenset[str] = frozenset()
    fetch_contact: str = ""
    fetch_pace: float = 1.0
    accept_changes: bool = False
    alert_webhook: str = field(default="", repr=False)
    alert_mail_to: str = ""
    alert_mail_from: str = "metrocircle@localhost"
    alert_smtp: str = "localhost:25"
    alert_smtp_login: str = field(default="", repr=False)
    dagster_postgres: str = field(default="", repr=False)

    @property
    def contract(self) -> Path:
        return self.sources / "contract.yml"

    @property
    def archive(self) -> Path:
        return self.warehouse / "archive"

    @property
    def lake(self) -> Path:
        return self.warehouse / "lake"

    @property
    def build(self) -> Path:
        return self.warehouse / "build"

    @property
    def releases(self) -> Path:
        return self.warehouse / "releases"

    @property
    def checks(self) -> Path:
        """Check results with samples and times, one file per release: outside its id."""
        return self.warehouse / "checks"

    @property
    def alerts(self) -> Path:
        """Open causes, the alert log and the heartbeats of sensors."""
        return self.warehouse / "alerts"

    @property
    def dagster_home(self) -> Path:
        """The folder whose dagster.yaml says where Dagster keeps its runs."""
        return self.root / "deploy" / "postgres" if self.dagster_postgres else self.root

    @property
    def current(self) -> Path:
        return self.warehouse / "current"


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from METROCIRCLE_* variables; everything has a default inside the checkout.

    METROCIRCLE_WAREHOUSE, METROCIRCLE_SOURCES, METROCIRCLE_DROP: folders.
    METROCIRCLE_THREADS: positive integer. METROCIRCLE_SCHEDULES: `on` starts the schedules.
    METROCIRCLE_ENGINE: `duckdb` or `spark`. METROCIRCLE_SPARK_PYTHON: its interpreter.
    METROCIRCLE_FETCH: sources that may be fetched live, parted by commas.
    METROCIRCLE_ACCEPT: `on` publishes whatever a release changes.
    METROCIRCLE_ALERT_WEBHOOK, METROCIRCLE_ALERT_MAIL_TO, METROCIRCLE_ALERT_MAIL_FROM,
    METROCIRCLE_ALERT_SMTP, METROCIRCLE_ALERT_SMTP_LOGIN: where alerts go.
    METROCIRCLE_DAGSTER_POSTGRES: postgresql://… for Dagster's runs.
    METROCIRCLE_FETCH_CONTACT: whom a site may write to. METROCIRCLE_FETCH_PACE: factor on waits.
    """
    env = os.environ if environ is None else environ
    defaults = Settings()

    def folder(name: str, default: Path) -> Path:
        return Path(env[name]).resolve() if env.get(name) else default

    threads = env.get("METROCIRCLE_THREADS", "")
    if threads and not (threads.isdecimal() and int(threads) > 0):
        raise MetrocircleError(f"METROCIRCLE_THREADS: expected 1, 2, 3, …, found {threads!r}")
    engine = env.get("METROCIRCLE_ENGINE") or defaults.engine
    if engine not in ENGINES:
        raise MetrocircleError(
            f"METROCIRCLE_ENGINE: expected {' or '.join(ENGINES)}, found {engine!r}"
        )
    contact = env.get("METROCIRCLE_FETCH_CONTACT", "").strip()
    if contact and not re.fullmatch(r"[!-'*-~]{3,200}", contact):
        raise MetrocircleError(
            "METROCIRCLE_FETCH_CONTACT: expected a mail or web address in ASCII without blanks or "
            f"brackets, found {contact!r}"
        )
    try:
        pace = float(env.get("METROCIRCLE_FETCH_PACE") or 1)
    except ValueError:
        pace = math.nan
    if not 0 <= pace < math.inf:
        found = env["METROCIRCLE_FETCH_PACE"]
        raise MetrocircleError(f"METROCIRCLE_FETCH_PACE: expected a number from 0, found {found!r}")
    wanted = frozenset(filter(None, map(str.strip, env.get("METROCIRCLE_FETCH", "").split(","))))
    if strange := wanted - LIVE_SOURCES:
        raise MetrocircleError(
            f"METROCIRCLE_FETCH: expected some of {', '.join(sorted(LIVE_SOURCES))}, "
            f"found {', '.join(sorted(strange))}"
        )
    webhook = env.get("METROCIRCLE_ALERT_WEBHOOK", "").strip()
    if webhook and not webhook.startswith(("https://", "http://")):
        raise MetrocircleError("METROCIRCLE_ALERT_WEBHOOK: expected an address of http or https")
    return Settings(
        warehouse=folder("METROCIRCLE_WAREHOUSE", defaults.warehouse),
        sources=folder("METROCIRCLE_SOURCES", defaults.sources),
        drop=Path(env["METROCIRCLE_DROP"]).resolve() if env.get("METROCIRCLE_DROP") else None,
        threads=int(threads) if threads else defaults.threads,
        engine=engine,
        # A link is not followed: the interpreter of an environment knows it by its own path.
        spark_python=Path(env.get("METROCIRCLE_SPARK_PYTHON") or defaults.spark_python).absolute(),
        schedules_on=env.get("METROCIRCLE_SCHEDULES", "").lower() in {"on", "1", "true"},
        fetch=wanted,
        fetch_contact=contact,
        fetch_pace=pace,
        accept_changes=env.get("METROCIRCLE_ACCEPT", "").lower() in {"on", "1", "true"},
        alert_webhook=webhook,
        alert_mail_to=env.get("METROCIRCLE_ALERT_MAIL_TO", ""),
        alert_mail_from=env.get("METROCIRCLE_ALERT_MAIL_FROM") or defaults.alert_mail_from,
        alert_smtp=env.get("METROCIRCLE_ALERT_SMTP") or defaults.alert_smtp,
        alert_smtp_login=env.get("METROCIRCLE_ALERT_SMTP_LOGIN", ""),
        dagster_postgres=env.get("METROCIRCLE_DAGSTER_POSTGRES", ""),
    )
