"""From a finished build to `warehouse/current`: stage, verify, rename, then one pointer.

Belongs here: the order of the steps that makes a release appear whole or not at all. Not here: what
the files hold (`parquet`, `database`, `metadata`) or how they are checked (`verify`).

A release is made in `releases/.staging-<random>` on the same file system, verified, written
through to the disk and renamed to `releases/<release_id>`. Only then is the pointer `current`
replaced, by renaming a new link over it. Killed at any moment, a publish leaves `current` as it was
and the next one sweeps up. Readers resolve the pointer once and keep the folder they found.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from pipelines import contract as contracts
from pipelines.errors import MetrocircleError, ReleaseRefused
from pipelines.lock import WriterBusy, exclusive
from pipelines.orchestration import profile
from pipelines.quality.ledger import CheckResult
from pipelines.release import browser, diff, gate, keep, metadata, parquet, reuse
from pipelines.release.database import write_database
from pipelines.release.verify import Problem, verify
from pipelines.settings import Settings

__all__ = [
    "Problem",
    "Release",
    "WriterBusy",
    "current_release",
    "exclusive",
    "publish",
    "use",
    "verify",
]

_STAGING = ".staging-"
_BROKEN = ".broken-"
_LINK = ".current-"
HISTORY = "history.jsonl"
# Two threads of one process share the warehouse lock; only one of them publishes at a time.
_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Release:
    """A release folder.

    rows: rows of all its tables. is_new: this publish made the folder; False if it was there.
    changes: what the gate found about its changes to the release before.
    problem: empty, or why `current` cannot be used (its folder is gone, it is no link, …).
    """

    release_id: str
    path: Path
    rows: int = 0
    is_new: bool = False
    problem: str = ""
    changes: tuple[CheckResult, ...] = ()

    def document(self) -> dict[str, Any]:
        """release.json as a dictionary."""
        text = (self.path / metadata.RELEASE_FILE).read_text(encoding="utf-8")
        document: dict[str, Any] = json.loads(text)
        return document


# ------------------------------------------------------------------------------------ pointer


def current_release(settings: Settings) -> Release | None:
    """The release that `current` names, resolved once; None if nothing was published yet.

    A pointer that cannot be used comes back as a Release with `problem` set, not as an exception.
    """
    try:
        target = settings.current.readlink()
    except FileNotFoundError:
        return None
    except OSError:
        problem = f"{settings.current.name} is not a link: move it away and publish again"
        return Release("", settings.current, problem=problem)
    path = settings.releases / target.name
    release = Release(target.name, path)
    if target.parts != (settings.releases.name, target.name):
        return _broken(release, f"the pointer leads to {target}, outside {settings.releases.name}")
    if not path.is_dir():
        return _broken(release, f"the pointer names release {target.name}, whose folder is missing")
    try:
        document = release.document()
        return Release(target.name, path, rows=int(document["rows"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        return _broken(
            release, f"{metadata.RELEASE_FILE} of {target.name} is unreadable: {error!r}"
        )


def _broken(release: Release, problem: str) -> Release:
    return Release(release.release_id, release.path, problem=problem)


def use(settings: Settings, release_id: str) -> Release:
    """Point `current` at a release that is already there; ReleaseRefused if it is not sound."""
    with _one_at_a_time, exclusive(settings):
        path = settings.releases / release_id
        if path.parent != settings.releases or release_id.startswith("."):
            raise ReleaseRefused(f"{release_id!r} is not a release id")
        _refuse_problems(verify(path, settings.threads), f"release {release_id}")
        rows = int(Release(release_id, path).document()["rows"])
        release = Release(release_id, path, rows)
        _point(settings, release)
        return release


def _point(settings: Settings, release: Release) -> None:
    """Replace the pointer in one step, and write the change into the history."""
    _settle_history(settings)
    before = current_release(settings)
    if before is not None and before.release_id == release.release_id and not before.problem:
        return
    if settings.current.exists() and not settings.current.is_symlink():
        raise ReleaseRefused(
            f"{settings.current.name} is not a link: move it away and publish again"
        )
    # A link cannot be overwritten; a new one renamed over it is seen whole or not at all.
    link = settings.warehouse / f"{_LINK}{secrets.token_hex(8)}"
    link.symlink_to(Path(settings.releases.name) / release.release_id, target_is_directory=True)
    link.replace(settings.current)
    _sync(settings.warehouse)
    _append_history(
        settings, before.release_id if before else None, release.release_id, release.rows
    )


def _append_history(settings: Settings, old: str | None, new: str, rows: int) -> None:
    entry = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "from": old,
        "to": new,
        "rows": rows,
    }
    path = settings.warehouse / HISTORY
    data = path.read_bytes() if path.exists() else b""
    # A line cut short by a full disk must not swallow this one.
    gap = "\n" if data and not data.endswith(b"\n") else ""
    with path.open("a", encoding="utf-8") as handle:
        handle.write(f"{gap}{json.dumps(entry)}\n")
        handle.flush()
        os.fsync(handle.fileno())


def _settle_history(settings: Settings) -> None:
    """Write the change that a publish killed right after its pointer did not come to write."""
    now = current_release(settings)
    if now is None or not now.release_id:
        return
    last = last_published(settings)
    if last != now.release_id:
        _append_history(settings, last, now.release_id, now.rows)


def last_published(settings: Settings) -> str | None:
    """The newest release id in the history, lines that cannot be read left out."""
    path = settings.warehouse / HISTORY
    if not path.exists():
        return None
    for line in reversed(path.read_text(encoding="utf-8", errors="replace").splitlines()):
        try:
            return str(json.loads(line)["to"])
        except (ValueError, KeyError, TypeError):
            continue
    return None


# ------------------------------------------------------------------------------------ publish


def publish(
    settings: Settings,
    build_db: Path,
    ledger: pl.DataFrame,
    snapshots: pl.DataFrame,
    inputs: Mapping[str, Any],
    macros: Sequence[str] = (),
    column_lineage: pl.DataFrame | None = None,
    rests_on: Mapping[str, str] | None = None,
) -> Release:
    """Make the release of a finished build and point `current` at it.

    build_db: DuckDB file with the marts in `main` and the lineage in `meta`, closed by everyone.
    ledger, snapshots: frames with the contract's columns of `ledger` and `snapshot`.
    inputs: goes into release.json as it is; `sources` (a list with `document`, `edition` and
    `licence`) also into datapackage.json; `how_to_cite` may hold `{release_id}`.
    macros: further table macros of the database (`pipelines.release.macros`).
    column_lineage: frame of that table (transform.lineage); None for a build without one.
    rests_on: by table name, a hash over all that made its rows: tables that rest on the same as in
        the release in use are taken over from it (`reuse`). Without it everything is written.

    Raises WriterBusy if another process writes, ContractBroken if a table does not meet the
    contract, ReleaseRefused if the ledger holds a failed check of severity error or the staged
    release does not verify, ReleaseHeld if it changes too much of the release in use: its folder
    then stays, for a person to take into use. After any of them `current` is as it was.
    """
    _refuse_failed_checks(ledger)
    with _one_at_a_time, exclusive(settings):
        sweep(settings)
        staging = _new_staging(settings)
        frames = {"ledger": ledger, "snapshot": snapshots}
        known = contracts.load(settings.contract).tables
        if lineage := known.get("column_lineage"):
            empty = pl.DataFrame(schema=contracts.polars_schema(lineage))
            frames["column_lineage"] = empty if column_lineage is None else column_lineage
        try:
            release = _make(settings, staging, build_db, frames, inputs, macros, rests_on or {})
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        release = replace(release, changes=tuple(_judge_changes(settings, release)))
        _point(settings, release)
        return release


def _judge_changes(settings: Settings, release: Release) -> list[CheckResult]:
    """Keep and judge what the new release changes, before the pointer makes it public.

    ReleaseHeld when it changes too much, unless a person accepted that beforehand. A previous
    release that can no longer be read has no changes to tell; that stops nothing.
    """
    previous = current_release(settings)
    if previous is None or previous.problem or previous.release_id == release.release_id:
        return []
    try:
        changes = diff.compare_folders(previous.path, release.path)
    except MetrocircleError:
        return []
    diff.store(settings, changes)
    results = gate.judge(changes)
    if not settings.accept_changes:
        gate.refuse_if_too_much(changes, results)
    return results


def sweep(settings: Settings) -> None:
    """Remove what killed publishes left. Call only while holding the lock: then nobody owns it."""
    settings.releases.mkdir(parents=True, exist_ok=True)
    for folder in settings.releases.glob(f"{_STAGING}*"):
        shutil.rmtree(folder, ignore_errors=True)
    keep.sweep(settings)
    for link in settings.warehouse.glob(f"{_LINK}*"):
        link.unlink(missing_ok=True)


def _new_staging(settings: Settings) -> Path:
    staging = Path(tempfile.mkdtemp(prefix=_STAGING, dir=settings.releases))
    (staging / "pid").write_text(f"{os.getpid()}\n", encoding="ascii")
    return staging


def _make(
    settings: Settings,
    staging: Path,
    build_db: Path,
    frames: Mapping[str, pl.DataFrame],
    inputs: Mapping[str, Any],
    macros: Sequence[str],
    rests_on: Mapping[str, str],
) -> Release:
    contract = contracts.load(settings.contract)
    written_by = reuse.writer(settings, contract)
    folder = staging / "release"
    folder.mkdir()
    in_use = current_release(settings)
    previous = in_use.path if in_use is not None and not in_use.problem else None
    taken = reuse.take_over(settings, written_by, contract, previous, folder, rests_on)
    written = _export(settings, contract, build_db, frames, staging, taken)
    exported = sorted([*taken, *written], key=lambda item: item.qualified)
    profile.count("tables", len(written), len(exported))
    release_id = parquet.release_id(
        contract.schema_version,
        [(item.qualified, item.schema_hash, item.content_hash) for item in exported],
    )
    release = Release(release_id, settings.releases / release_id, sum(i.rows for i in exported))
    if release.path.exists():
        if not verify(release.path, settings.threads):
            reuse.remember(settings, written_by, contract, release.path, exported, rests_on)
            return release
        # Its bytes went bad on the disk: set aside as evidence, and made again.
        release.path.rename(settings.releases / f"{_BROKEN}{release_id}-{secrets.token_hex(4)}")
    if previous is not None:
        reuse.share_identical(previous, folder, written)
    write_database(folder, exported, settings.threads, macros)
    metadata.write_documents(folder, release_id, contract, exported, inputs)
    metadata.write_quality(folder, release_id, contract, frames["ledger"])
    browser.write_page(folder)
    metadata.write_manifest(folder)
    # Bytes of the release in use, whose rows were read when it was made, are proved by their hash.
    proved = {file for item in taken for file in item.files}
    _refuse_problems(verify(folder, settings.threads, proved), "the staged release")
    _write_through(folder)
    folder.rename(release.path)
    _sync(settings.releases)
    reuse.remember(settings, written_by, contract, release.path, exported, rests_on)
    return Release(release_id, release.path, release.rows, is_new=True)


def _export(
    settings: Settings,
    contract: contracts.Contract,
    build_db: Path,
    frames: Mapping[str, pl.DataFrame],
    staging: Path,
    taken: Sequence[parquet.Exported],
) -> list[parquet.Exported]:
    """Write every table that was not taken over, and the dictionaries of all of them."""
    folder = staging / "release"
    connection = parquet.connect(settings.threads, staging / "spill")
    try:
        relations = parquet.build_relations(connection, contract, build_db, settings.lake)
        relations |= parquet.frame_relations(connection, frames)
        for item in taken:
            del relations[item.table.name]
        exported = parquet.export(connection, contract, relations, folder)
        described = metadata.dictionaries(contract, [*taken, *exported])
        relations = parquet.frame_relations(connection, described)
        exported += parquet.export(connection, contract, relations, folder)
    finally:
        connection.close()
    return exported


def _write_through(folder: Path) -> None:
    """Make every file read-only and force files and folders to the disk, folders last."""
    paths = sorted(folder.rglob("*"), reverse=True)
    for path in paths:
        if path.is_file():
            path.chmod(0o444)
            _sync(path)
    for path in (*(path for path in paths if path.is_dir()), folder):
        _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# ----------------------------------------------------------------------------------- refusals


def _refuse_failed_checks(ledger: pl.DataFrame) -> None:
    failed = ledger.filter((pl.col("severity") == "error") & (pl.col("status") == "fail"))
    if failed.height:
        named = [
            f"{row['rule_id']} on {row['table_name']} ({row['slice']}): {row['observed']}"
            for row in failed.sort("rule_id", "table_name", "slice").head(5).rows(named=True)
        ]
        raise ReleaseRefused(
            f"{failed.height} checks of severity error failed, nothing was published: "
            + "; ".join(named)
        )


def _refuse_problems(problems: list[Problem], what: str) -> None:
    if problems:
        shown = "; ".join(str(problem) for problem in problems[:5])
        raise ReleaseRefused(f"{what} does not verify ({len(problems)} problems): {shown}")
