"""What a refresh has to do, decided in plain Python before Dagster, dbt or polars is imported.

Belongs here: fingerprints of slices and of the release, the state of the last refresh, the plan.
Not here: doing any of it. A fingerprint is over bytes (inputs, code, lock file), never over a
hand-bumped number or a modification time.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines.archive import acquire
from pipelines.archive.acquire import Refusal
from pipelines.archive.store import Snapshot
from pipelines.errors import MetrocircleError, nearest
from pipelines.fingerprint import Hasher
from pipelines.settings import Settings
from pipelines.sources import BY_NAME, SOURCES

# Files of the checkout that decide what every slice becomes, beside those its source names.
_SHARED = (
    "pipelines/archive/acquire.py",
    "pipelines/archive/offers.py",
    "pipelines/contract.py",
    "pipelines/errors.py",
    "pipelines/extract.py",
    "pipelines/lake.py",
    "sources:contract.yml",
    "requirements.lock",
)
_RELEASE = (
    "dbt_project",
    "expectations",
    "pipelines/transform",
    "pipelines/quality",
    "pipelines/release",
    "sources:contract.yml",
    "requirements.lock",
)


@dataclass(frozen=True)
class Slice:
    """The unit of staleness: files of one source that are extracted together."""

    source: str
    name: str
    fingerprint: str
    snapshots: tuple[Snapshot, ...]

    @property
    def key(self) -> str:
        return f"{self.source}/{self.name}"


@dataclass(frozen=True)
class Plan:
    """What is held, what is stale and why.

    stale: slices to extract. gone: keys that nobody supplies any more. release_stale: whether the
    marts and the release must be made again. reasons: one line per cause, for people; of files that
    cannot be read also when nothing is to be done. from_scratch: nothing that an earlier refresh
    made may be taken over.
    """

    slices: tuple[Slice, ...]
    stale: tuple[Slice, ...]
    gone: tuple[str, ...]
    refusals: tuple[Refusal, ...]
    release_fingerprint: str
    release_stale: bool
    reasons: tuple[str, ...]
    from_scratch: bool = False

    @property
    def nothing_to_do(self) -> bool:
        return not (self.stale or self.gone or self.release_stale)


def code_hash(settings: Settings) -> str:
    """One hash over everything that decides what a release holds, inputs aside (release.json)."""
    names = {name for source in SOURCES for name in source.depends_on} | {*_SHARED, *_RELEASE}
    return Hasher(settings).of(sorted(names))


def state_path(settings: Settings) -> Path:
    return settings.build / "state.json"


def read_state(settings: Settings) -> dict[str, Any]:
    """The state of the last refresh; an unreadable one counts as none, and all is made again.

    slices: fingerprints by slice. snapshots: by slice, rows of what it was made of. release:
    fingerprint and id of what the inputs made. times: when each job last succeeded.
    """
    try:
        state = json.loads(state_path(settings).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        state = None
    parts = state if isinstance(state, dict) else {}
    return {
        name: part if isinstance(part := parts.get(name), dict) else {}
        for name in ("slices", "snapshots", "release", "times")
    }


def write_state(settings: Settings, state: dict[str, Any]) -> None:
    path = state_path(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    temporary.write_text(json.dumps(state, indent=1, sort_keys=True), encoding="utf-8")
    temporary.replace(path)


def mark_extracted(settings: Settings, slice_: Slice) -> None:
    """Remember that the lake holds this slice as its inputs and code now stand."""
    state = read_state(settings)
    state["slices"][slice_.key] = slice_.fingerprint
    # What is offered may change before the release is made: it names what the lake was made of.
    state["snapshots"][slice_.key] = [snapshot.row() for snapshot in slice_.snapshots]
    state["times"][slice_.source] = datetime.now(UTC).isoformat(timespec="seconds")
    write_state(settings, state)


def mark_gone(settings: Settings, keys: Iterable[str]) -> None:
    state = read_state(settings)
    for key in keys:
        state["slices"].pop(key, None)
        state["snapshots"].pop(key, None)
    write_state(settings, state)


def mark_released(settings: Settings, fingerprint: str, release_id: str) -> None:
    state = read_state(settings)
    state["release"] = {"fingerprint": fingerprint, "release_id": release_id}
    state["times"]["build_release"] = datetime.now(UTC).isoformat(timespec="seconds")
    write_state(settings, state)


def made_of(settings: Settings) -> str:
    """Fingerprint of the release that the lake makes, with code, models and rules as they stand."""
    return _release_fingerprint(settings, read_state(settings)["slices"])


def _release_fingerprint(settings: Settings, slices: Mapping[str, str]) -> str:
    # Another engine must make the same; whoever asks for it wants to see it made.
    parts = [Hasher(settings).of(_RELEASE), settings.engine]
    parts += [f"{key} {slices[key]}" for key in sorted(slices)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def lake_as_it_lies(settings: Settings) -> str:
    """A hash over the lake's files by name, size, time and place: another one after any write."""
    digest = hashlib.sha256()
    for path in sorted(settings.lake.glob("*/*.parquet")):
        found = path.stat()
        name = path.relative_to(settings.lake).as_posix()
        digest.update(f"{name} {found.st_size} {found.st_mtime_ns} {found.st_ino}\n".encode())
    return digest.hexdigest()


def gone(settings: Settings, slices: Iterable[Slice]) -> tuple[str, ...]:
    """Keys of slices that the lake or the state holds and nobody supplies any more."""
    held = {item.key: item.name for item in slices}
    orphans = _in_lake(settings, set(held.values()))
    return tuple(sorted((set(read_state(settings)["slices"]) | orphans) - held.keys()))


def unknown(settings: Settings) -> list[str]:
    """Keys of slices that lie in the lake though no state says what they were made of."""
    return sorted(_in_lake(settings, set()) - set(read_state(settings)["snapshots"]))


def snapshots_in_lake(settings: Settings) -> list[dict[str, Any]]:
    """Rows of the snapshots that the lake was made of, in a fixed order."""
    held = read_state(settings)["snapshots"]
    return [row for key in sorted(held) for row in held[key]]


def held_slices(settings: Settings) -> tuple[list[Slice], list[Refusal]]:
    """Every slice the inputs supply now, with its fingerprint, in a fixed order."""
    dropped, refusals = acquire.offered(settings)
    grouped: dict[tuple[str, str], list[Snapshot]] = defaultdict(list)
    for snapshot in (*acquire.embedded(settings), *dropped):
        grouped[snapshot.source_id, snapshot.slice].append(snapshot)
    hasher = Hasher(settings)
    shared = hasher.of(_SHARED)
    slices = []
    for (source, name), snapshots in grouped.items():
        parts = [shared, hasher.of(BY_NAME[source].depends_on)]
        parts += [f"{s.snapshot_id} {s.file}" for s in snapshots]
        fingerprint = hashlib.sha256("\n".join(parts).encode()).hexdigest()
        slices.append(Slice(source, name, fingerprint, tuple(snapshots)))
    # Registries and geography come first: other sources resolve their names against them.
    order = list(BY_NAME)
    return sorted(slices, key=lambda s: (order.index(s.source), s.name)), refusals


def _in_lake(settings: Settings, names: set[str]) -> set[str]:
    """Keys of lake slices of no held name: a lost state must not keep a withdrawn one alive."""
    return {
        f"{source.name}/{path.stem}"
        for source in SOURCES
        for path in (settings.lake / source.tables[0]).glob("*.parquet")
        if path.stem not in names
    }


def chosen(slices: Sequence[Slice], wanted: str) -> list[str]:
    """Keys of the slices that a person names: `source/slice`, a slice, a source, or
    `source/first...last`. MetrocircleError names the nearest ones when nothing fits."""
    first, dots, last = wanted.partition("...")
    keys = [item.key for item in slices]
    if dots:
        source = first.partition("/")[0]
        ends = [first, last if "/" in last else f"{source}/{last}"]
        if all(end in keys for end in ends):
            part = [key for key in keys if key.startswith(f"{source}/")]
            found = part[part.index(ends[0]) : part.index(ends[1]) + 1]
        else:
            found = []
    else:
        found = [s.key for s in slices if wanted in (s.key, s.name, s.source)]
    if not found:
        near = nearest(first, [*keys, *BY_NAME]) or "none"
        raise MetrocircleError(f"no slice is named {wanted!r}; nearest: {near}")
    return found


def plan(settings: Settings, only: Iterable[str] = (), force: bool = False) -> Plan:
    """Compare what the inputs supply with what the last refresh made.

    only: extract these again whatever their fingerprints (see `chosen`).
    force: everything is stale.
    """
    slices, refusals = held_slices(settings)
    asked = {key for wanted in only for key in chosen(slices, wanted)}
    state = read_state(settings)
    reasons = []
    stale = []
    for item in slices:
        known = state["slices"].get(item.key)
        wanted = item.key in asked
        lake_file = settings.lake / BY_NAME[item.source].tables[0] / f"{item.name}.parquet"
        is_known = known == item.fingerprint and item.key in state["snapshots"]
        if force or wanted or not is_known or not lake_file.exists():
            stale.append(item)
            why = "asked for" if force or wanted else "new" if known is None else "changed"
            reasons.append(f"{item.key}: {why}")
    reasons += [f"unreadable: {r.reason}" for r in refusals if r.outcome == "unreadable"]
    left = gone(settings, slices)
    reasons += [f"{key}: nobody supplies it any more" for key in left]
    release_fingerprint = _release_fingerprint(settings, {s.key: s.fingerprint for s in slices})
    release = state["release"]
    current = settings.current.resolve().name if settings.current.is_symlink() else None
    release_stale = True
    if release.get("fingerprint") != release_fingerprint:
        reasons.append("release: inputs, models or checks changed")
    elif not (settings.current / "release.json").exists():
        reasons.append("release: there is none to read")
    elif current != release.get("release_id"):
        made = release.get("release_id")
        reasons.append(f"release: {current} is in use, the inputs make {made}")
    elif force:
        reasons.append("release: asked for")
    else:
        release_stale = bool(stale or left)
    return Plan(
        tuple(slices), tuple(stale), left, tuple(refusals), release_fingerprint,
        release_stale, tuple(reasons), force,
    )  # fmt: skip
