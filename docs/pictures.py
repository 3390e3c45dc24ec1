"""The pictures of the README, drawn from the release in use: `python -m docs.pictures`.

Belongs here: three small SVG files (map, network, trend) that follow from a release and from
nothing else: no network, no font, no clock. Not here: the dashboard, or any number of its own.

Every mark carries its value as a title, so that a picture can be held against the release.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

import duckdb

HERE = Path(__file__).resolve().parent
CIRCLE = "GZ_PAPER9"
YEAR = 2021
WORKDAY = "2024-04-17"
FEWEST_TRAINS = 40
WIDTH, HEIGHT = 720, 470

STYLE = """
text { font: 12px system-ui, "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; fill: #1b1f24; }
.name { paint-order: stroke; stroke: #fff; stroke-width: 3px; stroke-opacity: .8; }
.head { font-size: 15px; font-weight: 600; } .dim { fill: #5b6470; }
.inside { fill: #0b5cad; } .outside { fill: #9aa4b0; } .link { stroke: #c2571a; fill: none; }
.axis { stroke: #d5dae0; } .first { stroke: #c2571a; } .latest { stroke: #0b5cad; }
.up { fill: #0b5cad; } .down { fill: #c2571a; } polyline { fill: none; stroke-width: 2; }
@media (prefers-color-scheme: dark) { text { fill: #e6e9ed; } .name { stroke: #15181c; }
.dim { fill: #9aa4b0; }
.inside, .up { fill: #79b8ff; } .outside { fill: #6b7480; } .link, .first { stroke: #ffab70; }
.axis { stroke: #373e47; } .latest { stroke: #79b8ff; } .down { fill: #ffab70; } }
"""

Row = dict[str, Any]
Box = tuple[float, float, float, float]


def rows(release: duckdb.DuckDBPyConnection, sql: str, *parameters: Any) -> list[Row]:
    result = release.execute(sql, list(parameters))
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def cities(release: duckdb.DuckDBPyConnection) -> list[Row]:
    """The 21 cities of Guangdong: seat on the page (x, y), GDP of the year, largest first."""
    found = rows(
        release,
        """
        select b.place_code, b.place_name_zh as name, b.value, b.unit, b.document, b.edition,
            c.longitude, c.latitude,
            m.place_code is not null as is_inside
        from city_indicator_best as b
        inner join tidy.city_centre as c on b.place_code = c.place_code and c.point_kind = 'seat'
        left join circle_member as m on m.circle_id = ? and m.place_code = b.place_code
        where b.indicator_id = 'gdp' and b.year = ? and b.place_code like '44__00'
            and b.place_code <> '440000'
        order by b.value desc, b.place_code
        """,
        CIRCLE, YEAR,
    )  # fmt: skip
    west, east = (pick(row["longitude"] for row in found) for pick in (min, max))
    south, north = (pick(row["latitude"] for row in found) for pick in (min, max))
    # A degree of longitude is shorter than one of latitude by the cosine of the latitude.
    shrink = math.cos(math.radians((south + north) / 2))
    scale = min((WIDTH - 110) / ((east - west) * shrink), (HEIGHT - 110) / (north - south))
    for row in found:
        row["x"] = 45 + (row["longitude"] - west) * shrink * scale
        row["y"] = 75 + (north - row["latitude"]) * scale
    return found


def svg(title: str, parts: Iterable[str]) -> str:
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(title)}">\n<title>{escape(title)}</title>\n<style>{STYLE}</style>\n'
        f"{body}\n</svg>\n"
    )


def words(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    mark = f' class="{kind}"' if kind else ""
    where = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text x="{x:.1f}" y="{y:.1f}"{mark}{where}>{escape(text)}</text>'


def dot(row: Row, radius: float, title: str) -> str:
    kind = "inside" if row["is_inside"] else "outside"
    return (
        f'<circle class="{kind}" cx="{row["x"]:.1f}" cy="{row["y"]:.1f}" r="{radius:.1f}">'
        f"<title>{escape(title)}</title></circle>"
    )


def labels(found: Sequence[Row], radius: Callable[[Row], float]) -> list[str]:
    """A name beside each dot, where it meets neither a dot nor another name."""
    taken: list[Box] = []
    for row in found:
        r = radius(row)
        taken.append((row["x"] - r, row["y"] - r, row["x"] + r, row["y"] + r))
    placed = []
    for own, row in enumerate(found):
        name = row["name"].removesuffix("市")
        wide, r = 12 * len(name), radius(row)
        for dx, dy in (
            (r + 3, 4), (-r - 3 - wide, 4), (-wide / 2, -r - 4), (-wide / 2, r + 13),
            (r + 1, -r), (r + 1, r + 9), (-r - wide, -r), (-r - wide, r + 9),
        ):  # fmt: skip
            x, y = row["x"] + dx, row["y"] + dy
            box = (x, y - 11, x + wide, y + 2)
            if all(i == own or not _meet(box, other) for i, other in enumerate(taken)):
                taken.append(box)
                placed.append(words(x, y, name, "name"))
                break
    return placed


def _meet(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def map_of_cities(release: duckdb.DuckDBPyConnection) -> str:
    """Cities of Guangdong by GDP, members of the paper's circle in colour."""
    found = cities(release)
    largest = found[0]["value"]

    def radius(row: Row) -> float:
        return 3 + 20 * math.sqrt(row["value"] / largest)

    unit = found[0]["unit"]
    parts = [
        words(16, 26, f"广州都市圈（论文，9市）在广东，{YEAR} 年地区生产总值", "head"),
        words(
            16, 44,
            f"Cities of Guangdong, the paper's nine in colour: area of a dot = GDP {YEAR}, {unit}",
            "dim",
        ),
    ]  # fmt: skip
    parts += [
        dot(row, radius(row), f"{row['name']} {row['value']:,.2f} {unit} ({row['edition']})")
        for row in found
    ]
    return svg(f"GDP of the cities of Guangdong {YEAR}", parts + labels(found, radius))


def network(release: duckdb.DuckDBPyConnection) -> str:
    """Direct trains between cities on an ordinary day, both directions together."""
    found = cities(release)
    at = {row["place_code"]: row for row in found}
    links = rows(
        release,
        """
        select least(origin_code, destination_code) as a,
            greatest(origin_code, destination_code) as b,
            cast(sum(direct_trains) as integer) as trains
        from rail_city_pair_day
        where service_date = cast(? as date) and place_level = 'prefecture'
        group by a, b having sum(direct_trains) >= ?
        order by trains, a, b
        """,
        WORKDAY, FEWEST_TRAINS,
    )  # fmt: skip
    links = [link for link in links if link["a"] in at and link["b"] in at]
    most = links[-1]["trains"]
    parts = [
        words(16, 26, f"城市间直达列车，{WORKDAY}（周三，平日）", "head"),
        words(
            16, 44,
            f"Direct trains between cities on an ordinary day, both directions; {FEWEST_TRAINS} "
            f"and more, up to {most}",
            "dim",
        ),
    ]  # fmt: skip
    for link in links:
        a, b, share = at[link["a"]], at[link["b"]], link["trains"] / most
        parts.append(
            f'<line class="link" x1="{a["x"]:.1f}" y1="{a["y"]:.1f}" x2="{b["x"]:.1f}" '
            f'y2="{b["y"]:.1f}" stroke-width="{1 + 9 * share:.1f}" '
            f'stroke-opacity="{0.25 + 0.6 * share:.2f}">'
            f"<title>{a['name']} – {b['name']} {link['trains']}</title></line>"
        )
    parts += [dot(row, 4, row["name"]) for row in found]
    parts += labels(found, lambda _: 5.0)
    return svg(f"Direct trains between cities of Guangdong on {WORKDAY}", parts)


def trend(release: duckdb.DuckDBPyConnection) -> str:
    """GDP of the circle as first published and as it stands now, and the revision of each year."""
    values = rows(
        release,
        """
        select year, max(unit) as unit,
            max(case when vintage = 'first_published' then value end) as first_published,
            max(case when vintage = 'latest' then value end) as latest
        from circle_indicator_year
        where circle_id = ? and indicator_id = 'gdp'
            and vintage in ('first_published', 'latest')
        group by year order by year
        """,
        CIRCLE,
    )
    years = [row["year"] for row in values]
    top = max(row["latest"] or 0 for row in values)
    revised = {
        row["year"]: 100 * (row["latest"] / row["first_published"] - 1)
        for row in values
        if row["latest"] is not None and row["first_published"] is not None
    }
    widest = max(abs(value) for value in revised.values())

    def x(year: int) -> float:
        return 60 + (year - years[0]) * (WIDTH - 100) / (years[-1] - years[0])

    def y(value: float) -> float:
        return 290 - 220 * value / top

    unit = values[0]["unit"]
    parts = [
        words(16, 26, "广州都市圈（论文，9市）地区生产总值：首次发布与最新", "head"),
        words(16, 44, f"GDP of the paper's circle, {unit}: first published and latest, and "
              "what revisions changed (per cent)", "dim"),
    ]  # fmt: skip
    step = 10 ** math.floor(math.log10(top)) * 2
    for tick in range(0, int(top) + 1, int(step)):
        parts.append(f'<line class="axis" x1="60" x2="{WIDTH - 40}" y1="{y(tick):.1f}" '
                     f'y2="{y(tick):.1f}"/>')  # fmt: skip
        parts.append(words(54, y(tick) + 4, f"{tick:,}", "dim", "end"))
    for kind, column in (("first", "first_published"), ("latest", "latest")):
        for run in _runs(values, column):
            points = " ".join(f"{x(r['year']):.1f},{y(r[column]):.1f}" for r in run)
            parts.append(f'<polyline class="{kind}" points="{points}"/>')
    for row in values:
        if row["latest"] is None:
            parts.append(words(x(row["year"]), 284, "缺 gap", "dim", "middle"))
        if row["year"] % 5 == 0:
            parts.append(words(x(row["year"]), 308, str(row["year"]), "dim", "middle"))
    parts.append(f'<line class="axis" x1="60" x2="{WIDTH - 40}" y1="395" y2="395"/>')
    for year, value in revised.items():
        tall = 60 * abs(value) / widest
        parts.append(
            f'<rect class="{"up" if value >= 0 else "down"}" x="{x(year) - 6:.1f}" width="12" '
            f'y="{395 - tall if value >= 0 else 395:.1f}" height="{max(tall, 0.5):.1f}">'
            f"<title>{year} {value:+.2f} %</title></rect>"
        )
    peak = max(revised, key=lambda year: abs(revised[year]))
    parts.append(
        words(
            x(peak) + 10, 395 - 50 if revised[peak] >= 0 else 455, f"{revised[peak]:+.1f} %", "dim"
        )
    )
    for left, kind, text in (
        (60, "first", "首次发布 first published"),
        (260, "latest", "最新 latest"),
    ):
        parts.append(f'<polyline class="{kind}" points="{left},456 {left + 24},456"/>')
        parts.append(words(left + 30, 460, text, "dim"))
    return svg("GDP of the circle, first published and latest", parts)


def _runs(values: Sequence[Row], column: str) -> list[list[Row]]:
    """Stretches of years that have a value: a line must not bridge a gap."""
    runs: list[list[Row]] = [[]]
    for row in values:
        if row[column] is None:
            runs.append([])
        else:
            runs[-1].append(row)
    return [run for run in runs if len(run) > 1]


PICTURES = {"map.svg": map_of_cities, "network.svg": network, "trend.svg": trend}


def draw(release: Path) -> dict[str, str]:
    """Every picture of a release folder, by its file name."""
    with duckdb.connect(str(release / "metrocircle.duckdb"), read_only=True) as connection:
        return {name: picture(connection) for name, picture in PICTURES.items()}


def main() -> int:
    release = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parent / "warehouse" / "current"
    for name, text in draw(release.resolve()).items():
        (HERE / name).write_text(text, encoding="utf-8")
        sys.stdout.write(f"wrote docs/{name}, {len(text.encode()):,} bytes\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
