"""Do the same inputs make the same release? Build again under other circumstances and compare.

Belongs here: the circumstances and the comparison. Not here: how a release is made. Each build is a
`metrocircle refresh` in a process and a warehouse of its own, so nothing of the first can leak into
the second. What may differ between two machines is made to differ: number of threads, time zone,
locale, the seed of Python's hashes, and the order in which folders list their files.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipelines.archive.store import sha256_of
from pipelines.errors import MetrocircleError
from pipelines.release import metadata
from pipelines.settings import Settings

CIRCUMSTANCES: tuple[dict[str, str], ...] = (
    {"METROCIRCLE_THREADS": "2", "TZ": "Asia/Shanghai", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "1"},
    {"METROCIRCLE_THREADS": "1", "TZ": "America/New_York", "LC_ALL": "C", "PYTHONHASHSEED": "2"},
)
SHUFFLE = "METROCIRCLE_SHUFFLE_FILES"


@dataclass(frozen=True)
class Comparison:
    """Two releases side by side. differing: files (or `release_id`) that are not the same."""

    first: str
    second: str
    files: int
    differing: tuple[str, ...]

    @property
    def is_same(self) -> bool:
        return not self.differing

    def document(self) -> dict[str, Any]:
        return asdict(self) | {"is_same": self.is_same}

    def text(self) -> str:
        if self.is_same:
            return f"the same release twice: {self.first}, {self.files} Parquet files byte by byte"
        return "\n".join(
            [f"two different releases: {self.first} and {self.second}", *self.differing]
        )


def check(settings: Settings, *, once: bool = False, folder: Path | None = None) -> Comparison:
    """Build twice and compare; `once`: build once, compare with the release in use.

    folder: where to build, kept afterwards; a temporary folder by default.
    MetrocircleError when a build fails or there is no release to compare with.
    """
    with _room(folder) as room:
        if once:
            if not settings.current.exists():
                raise MetrocircleError("there is no release in use; leave out --once")
            first = settings.current.resolve()
        else:
            first = _build(settings, room / "first", CIRCUMSTANCES[0], shuffle=None)
        second = _build(settings, room / "second", CIRCUMSTANCES[1], shuffle=20221231)
        return compare(first, second)


@contextmanager
def _room(folder: Path | None) -> Iterator[Path]:
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise MetrocircleError(
                f"{folder} is not empty: what lies there would be compared instead of built"
            )
        yield folder.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="metrocircle-rebuild-") as made:
        yield Path(made)


def _build(
    settings: Settings, warehouse: Path, circumstances: Mapping[str, str], shuffle: int | None
) -> Path:
    """The folder of the release that a refresh from scratch makes under the circumstances."""
    environment = dict(os.environ) | dict(circumstances)
    environment |= {
        "METROCIRCLE_WAREHOUSE": str(warehouse),
        "METROCIRCLE_SOURCES": str(settings.sources),
        # Text decides, not the locale, how this process reads what the build says.
        "PYTHONIOENCODING": "utf-8",
    }
    for name in ("METROCIRCLE_DAGSTER_STORAGE", "METROCIRCLE_DAGSTER_POSTGRES", SHUFFLE):
        environment.pop(name, None)
    if settings.drop is not None:
        environment["METROCIRCLE_DROP"] = str(settings.drop)
    if shuffle is not None:
        environment[SHUFFLE] = str(shuffle)
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.release.rebuild"],
        cwd=settings.root,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        raise MetrocircleError(f"the build in {warehouse.name} failed:\n{done.stderr.strip()}")
    return (warehouse / "current").resolve()


def compare(first: Path, second: Path) -> Comparison:
    """Ids, table hashes and the bytes of every Parquet file of two release folders."""
    documents = [
        json.loads((path / metadata.RELEASE_FILE).read_text(encoding="utf-8"))
        for path in (first, second)
    ]
    files = [_parquet(first), _parquet(second)]
    differing = [
        name for name in sorted(files[0] | files[1]) if files[0].get(name) != files[1].get(name)
    ]
    ids = [str(document["release_id"]) for document in documents]
    if ids[0] != ids[1]:
        differing.insert(0, "release_id")
    return Comparison(ids[0], ids[1], len(files[0]), tuple(differing))


def _parquet(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): sha256_of(path) for path in folder.rglob("*.parquet")
    }


# ------------------------------------------------------------------- the build, in its own process


class _Shuffled:
    """`os.scandir` whose entries come in another order; a context manager as the original is."""

    def __init__(self, entries: list[os.DirEntry[str]]) -> None:
        self.entries = iter(entries)

    def __iter__(self) -> Iterator[os.DirEntry[str]]:
        return self.entries

    def __next__(self) -> os.DirEntry[str]:
        return next(self.entries)

    def __enter__(self) -> _Shuffled:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.entries = iter(())


def shuffle_folders(seed: int) -> None:
    """Make every folder list its files in another order in this process, as another disk would."""
    scandir, listdir = os.scandir, os.listdir
    dice = random.Random(seed)

    def shuffled_scandir(path: Any = ".") -> _Shuffled:
        with scandir(path) as entries:
            held = sorted(entries, key=lambda entry: str(entry.name))
        dice.shuffle(held)
        return _Shuffled(held)

    def shuffled_listdir(path: Any = ".") -> list[Any]:
        held = sorted(listdir(path))
        dice.shuffle(held)
        return held

    os.scandir = shuffled_scandir  # type: ignore[assignment]
    os.listdir = shuffled_listdir


def main() -> int:
    seed = os.environ.get(SHUFFLE)
    if seed:
        shuffle_folders(int(seed))
    from pipelines import cli

    return cli.main(["refresh", "--json"])


if __name__ == "__main__":
    sys.exit(main())
