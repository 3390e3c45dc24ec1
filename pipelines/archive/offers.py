"""What a folder of files offers: each file looked at once, and claimed by the source it belongs to.

Belongs here: walking a folder, guarding each file, asking the sources, remembering the answer. Not
here: how a source tells its files (`pipelines/<source>/recognise.py`), or parsing.

A source claims a file by its content, never by its name alone: portals answer with error pages
under the names of tables. The answer is remembered by size and times of the file and by the code of
the recognisers, so that an unchanged folder of gigabytes is not read again.
"""

from __future__ import annotations

import csv
import importlib
import json
import re
import secrets
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pipelines.archive import guards
from pipelines.archive.store import sha256_of
from pipelines.errors import LeftOut, RefusedInput
from pipelines.fingerprint import Hasher
from pipelines.settings import Settings
from pipelines.sources import SOURCES

# The first columns of our own transcriptions: how a dropped one is told from any other CSV.
TRANSCRIPTION_COLUMNS = (
    "document", "edition", "locator", "place", "indicator", "period", "scope", "unit", "value",
    "status", "source_kind", "read_from", "read_sha256", "read_locator", "note",
)  # fmt: skip
# Enough for a header and a first row; a file may be one line of 500 MB.
HEAD_BYTES = 1 << 16
# What decides an answer beside the sources' own code.
_SHARED = ("pipelines/archive", "requirements.lock")


@dataclass(frozen=True)
class Offer:
    """One file that may be opened, as a recogniser sees it.

    name: path below the offered folder, safe to print. media: `guards.inspect`'s verdict.
    head: the first 64 KiB as they lie on the disk.
    """

    name: str
    path: Path
    media: str
    head: bytes

    def text(self) -> str:
        """The head as text: unpacked if gzip, UTF-8 or UTF-16 by mark, else GB 18030.

        A character cut at the end of the head is left out, bytes of no encoding become U+FFFD.
        RefusedInput when the packing is damaged.
        """
        head = self.head
        if self.media == "gzip":
            try:
                head = zlib.decompressobj(wbits=31).decompress(head, HEAD_BYTES)
            except zlib.error as error:
                raise RefusedInput(f"{self.name}: expected gzip, found {error}") from error
        if head.startswith((b"\xff\xfe", b"\xfe\xff")):
            return head.decode("utf-16", errors="ignore")
        # Without its mark, or the place of an error would be told from behind it.
        head = head.removeprefix(b"\xef\xbb\xbf")
        try:
            return head.decode("utf-8")
        except UnicodeDecodeError as error:
            is_cut = error.reason == "unexpected end of data" and error.end >= len(head)
            return head[: error.start].decode("utf-8") if is_cut else gb18030_text(head)


def gb18030_text(head: bytes) -> str:
    """Chinese text of any older encoding; bytes of none become U+FFFD."""
    return head.decode("gb18030", errors="replace")


@dataclass(frozen=True)
class Claim:
    """What a source says of a file: which edition of which document it is evidence for.

    source_kind: original | mirror | transcription | secondary (architecture, section 3).
    reader: which of the source's readers takes it; the source's own word.
    A file that holds several editions gets a claim for each.
    """

    source: str
    document: str
    edition: str
    source_kind: str
    reader: str


@dataclass(frozen=True)
class Recognised:
    """The outcome for one file: claims, or why it may not be opened or is not read, or nothing.

    unreadable: why its bytes could not be had, which says nothing about them.
    """

    name: str
    path: Path
    media: str = ""
    sha256: str = ""
    claims: tuple[Claim, ...] = ()
    refusal: str = ""
    left_out: str = ""
    unreadable: str = ""


def name_is_safe(part: str) -> bool:
    """Whether a document or edition may become part of a slice, a file name and a partition.

    `--` parts the two in the name of the slice, `...` the ends of a range in Dagster.
    """
    is_plain = part != "" and all(c.isalnum() or c in "_-." for c in part) and len(part) <= 60
    return is_plain and not part.startswith(".") and "--" not in part and ".." not in part


def recognise(settings: Settings, folder: Path) -> list[Recognised]:
    """Every file below `folder` with its outcome, in the order of their names."""
    memory = _Memory(settings, folder)
    found = []
    for path, problem in guards.walk(folder):
        name = guards.shown(path.relative_to(folder).as_posix())
        if problem:
            found.append(Recognised(name, path, refusal=f"{name[:200]}: {problem}"))
            continue
        known = memory.get(path)
        if known is None:
            known = look(settings, folder, path, name)
            # A disk that fails once must not be believed for ever.
            if not known.unreadable:
                memory.put(path, known)
        found.append(known)
    memory.save()
    return found


def look(settings: Settings, folder: Path, path: Path, name: str) -> Recognised:
    """The outcome for one file below `folder`, called `name` before people."""
    try:
        guards.inside(folder, path)
        # Every byte is read once, before any reader could take a fault of the disk for damage.
        is_small = path.stat().st_size <= guards.Limits().file_bytes
        sha256 = sha256_of(path) if is_small else ""
        media = guards.inspect(folder, path)
        with path.open("rb") as handle:
            offer = Offer(name, path, media, handle.read(HEAD_BYTES))
        try:
            return Recognised(name, path, media, sha256, _claims(settings, offer))
        except LeftOut as why:
            return Recognised(name, path, media, sha256, left_out=str(why))
    except RefusedInput as error:
        return Recognised(name, path, refusal=str(error))
    except FileNotFoundError:
        return Recognised(name, path, refusal=f"{name}: went away while it was looked at")
    except OSError as error:
        return Recognised(name, path, unreadable=f"{name}: {error.strerror or error}")


def pass_over(offer: Offer, listed: Path) -> None:
    """LeftOut when a file begins like one that a source knows and does not read.

    listed: a CSV of `head`, a regular expression over the beginning of the text without blanks and
    quotes, and `reason`.
    """
    if offer.media not in ("text", "gzip"):
        return
    head = re.sub(r"[\s\"]", "", offer.text().lstrip("\ufeff")[:400])
    with listed.open(encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle):
            if re.match(row["head"], head):
                raise LeftOut(f"{offer.name}: {row['reason']}")


def _claims(settings: Settings, offer: Offer) -> tuple[Claim, ...]:
    """The claims of the first source that makes any.

    RefusedInput when a claim cannot be used, LeftOut when the source knows the file and passes.
    """
    for source in SOURCES:
        if not source.is_sliced:
            continue
        module = importlib.import_module(f"pipelines.{source.name}.recognise")
        try:
            claims: Sequence[Claim] = module.recognise(offer, settings.sources)
        except (LeftOut, RefusedInput, OSError):
            raise
        except Exception as error:
            # One odd file must not stop the refresh of all others.
            raise RefusedInput(
                f"{offer.name}: cannot tell whether it belongs to {source.name}: {error!r}"
            ) from error
        for claim in claims:
            if not (name_is_safe(claim.document) and name_is_safe(claim.edition)):
                raise RefusedInput(
                    f"{offer.name}: expected a document and an edition made of letters, digits, "
                    f"'_', '-' and '.', found {claim.document[:80]!r} and {claim.edition[:80]!r}"
                )
        if claims:
            return tuple(claims)
    return ()


class _Memory:
    """Answers of earlier runs, by size, times and place of the file on the disk."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.folder = folder
        self.path = settings.build / "offers.json"
        names = {name for source in SOURCES if source.is_sliced for name in source.depends_on}
        self.code = Hasher(settings).of(sorted({*names, *_SHARED}))
        self.every = self._read()
        self.old = self.every.get(str(folder), {})
        self.new: dict[str, dict[str, object]] = {}

    def _read(self) -> dict[str, dict[str, dict[str, object]]]:
        try:
            held = json.loads(self.path.read_text(encoding="utf-8"))
            return held["folders"] if held["code"] == self.code else {}
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def _key(self, path: Path) -> list[int]:
        # The change time is set by the system alone: a copy that keeps its old times shows in it.
        status = path.lstat()
        return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]

    def get(self, path: Path) -> Recognised | None:
        held = self.old.get(ascii(str(path)))
        try:
            if held is None or held["key"] != self._key(path):
                return None
            facts = dict(held["facts"])  # type: ignore[call-overload]
            claims = tuple(Claim(**claim) for claim in facts.pop("claims"))
            known = Recognised(path=path, claims=claims, **facts)
        except (OSError, KeyError, TypeError, ValueError):
            return None
        self.new[ascii(str(path))] = held
        return known

    def put(self, path: Path, known: Recognised) -> None:
        facts = {k: v for k, v in asdict(known).items() if k != "path"}
        try:
            self.new[ascii(str(path))] = {"key": self._key(path), "facts": facts}
        except OSError:
            return

    def save(self) -> None:
        """Write what was learnt, if anything was; a warehouse that cannot be written is no fault
        here: a command that only looks must work on it."""
        if self.new == self.old:
            return
        every = {**self.every, str(self.folder): self.new}
        temporary = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps({"code": self.code, "folders": every}, ensure_ascii=True)
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(self.path)
        except OSError:
            temporary.unlink(missing_ok=True)
