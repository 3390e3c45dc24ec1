"""Write `sources/geography/*.csv` from the folder of originals.

Belongs here: everything that is known about the layout and the faults of the original lists, so
that the CSV files in git can be made again, byte for byte. Not here: reading those CSV files
(divisions, circles). Runs by hand when an original changes; the refresh never needs originals.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from pipelines.errors import LayoutDrift, UnknownName
from pipelines.geography.circles import definition_date
from pipelines.geography.divisions import STILL_VALID, read_aliases, read_divisions, resolve_places

CODE_RUNS = "data/yearbook/admin/gb2260_mca_guangdong_code_runs_198012_201904.csv"
CITY_EVENTS = "data/yearbook/admin/crosswalk_prefecture_events_guangdong_1983_2026.csv"
COUNTY_EVENTS = "data/yearbook/admin/crosswalk_county_events_guangdong_1983_2026.csv"
CENSUS_2010 = "data/yearbook/census/census2010_county_gd_bj_sh.csv"
CENSUS_2020 = "data/yearbook/census/census2020_county_gd_bj_sh.csv"
CITY_POINTS = "data/yearbook/geo/guangdong_city_centers_centroids.csv"
COUNTY_POINTS = "data/yearbook/geo/cpca_adcodes_guangdong_counties.csv"
MEMBERS = "facts/boundaries_members.csv"

_EN_PREFECTURES = {
    "440000": "Guangdong", "110000": "Beijing", "310000": "Shanghai",
    "440100": "Guangzhou", "440200": "Shaoguan", "440300": "Shenzhen", "440400": "Zhuhai",
    "440500": "Shantou", "440600": "Foshan", "440700": "Jiangmen", "440800": "Zhanjiang",
    "440900": "Maoming", "441200": "Zhaoqing", "441300": "Huizhou", "441400": "Meizhou",
    "441500": "Shanwei", "441600": "Heyuan", "441700": "Yangjiang", "441800": "Qingyuan",
    "441900": "Dongguan", "442000": "Zhongshan", "445100": "Chaozhou", "445200": "Jieyang",
    "445300": "Yunfu",
}  # fmt: skip

# Romanised by us, for labels only: the present county units that a circle names, and the
# county-level cities (as China City Statistical Yearbook 2014 romanises them).
# Pinyin without the generic part; of autonomous counties the place name alone.
_EN_COUNTIES = {
    "440103": "Liwan", "440104": "Yuexiu", "440105": "Haizhu", "440106": "Tianhe",
    "440111": "Baiyun", "440112": "Huangpu", "440113": "Panyu", "440114": "Huadu",
    "440115": "Nansha", "440117": "Conghua", "440118": "Zengcheng", "440183": "Zengcheng",
    "440184": "Conghua", "440203": "Wujiang", "440204": "Zhenjiang", "440205": "Qujiang",
    "440222": "Shixing", "440224": "Renhua", "440229": "Wengyuan", "440232": "Ruyuan",
    "440233": "Xinfeng", "440281": "Lechang", "440282": "Nanxiong", "440303": "Luohu",
    "440304": "Futian", "440305": "Nanshan", "440306": "Bao'an", "440307": "Longgang",
    "440308": "Yantian", "440309": "Longhua", "440310": "Pingshan", "440311": "Guangming",
    "440402": "Xiangzhou", "440403": "Doumen", "440404": "Jinwan", "440507": "Longhu",
    "440511": "Jinping", "440512": "Haojiang", "440513": "Chaoyang", "440514": "Chaonan",
    "440515": "Chenghai", "440523": "Nan'ao", "440604": "Chancheng", "440605": "Nanhai",
    "440606": "Shunde", "440607": "Sanshui", "440608": "Gaoming", "440703": "Pengjiang",
    "440704": "Jianghai", "440705": "Xinhui", "440781": "Taishan", "440783": "Kaiping",
    "440784": "Heshan", "440785": "Enping", "440802": "Chikan", "440803": "Xiashan",
    "440804": "Potou", "440811": "Mazhang", "440823": "Suixi", "440825": "Xuwen",
    "440881": "Lianjiang", "440882": "Leizhou", "440883": "Wuchuan", "440902": "Maonan",
    "440904": "Dianbai", "440981": "Gaozhou", "440982": "Huazhou", "440983": "Xinyi",
    "441202": "Duanzhou", "441203": "Dinghu", "441204": "Gaoyao", "441223": "Guangning",
    "441224": "Huaiji", "441225": "Fengkai", "441226": "Deqing", "441283": "Gaoyao",
    "441284": "Sihui", "441302": "Huicheng", "441303": "Huiyang", "441322": "Boluo",
    "441323": "Huidong", "441324": "Longmen", "441402": "Meijiang", "441403": "Meixian",
    "441422": "Dabu", "441423": "Fengshun", "441424": "Wuhua", "441426": "Pingyuan",
    "441427": "Jiaoling", "441481": "Xingning", "441502": "Chengqu", "441521": "Haifeng",
    "441523": "Luhe", "441581": "Lufeng", "441602": "Yuancheng", "441621": "Zijin",
    "441622": "Longchuan", "441623": "Lianping", "441624": "Heping", "441625": "Dongyuan",
    "441702": "Jiangcheng", "441704": "Yangdong", "441721": "Yangxi", "441781": "Yangchun",
    "441802": "Qingcheng", "441803": "Qingxin", "441821": "Fogang", "441823": "Yangshan",
    "441825": "Lianshan", "441826": "Liannan", "441881": "Yingde", "441882": "Lianzhou",
    "445102": "Xiangqiao", "445103": "Chao'an", "445122": "Raoping", "445202": "Rongcheng",
    "445203": "Jiedong", "445222": "Jiexi", "445224": "Huilai", "445281": "Puning",
    "445302": "Yuncheng", "445303": "Yun'an", "445321": "Xinxing", "445322": "Yunan",
    "445381": "Luoding",
}  # fmt: skip


@dataclass(frozen=True)
class ListCorrection:
    """A year the code lists give wrongly, and the change event that says so.

    Guarded: transcription stops when the list or the event no longer says what was seen here.
    """

    code: str
    name: str
    edge: str  # valid_from: the run starts in the event's year; valid_to: it ends the year before
    list_says: str
    event_id: str
    event_year: int


LIST_CORRECTIONS = (
    ListCorrection("441803", "清新区", "valid_from", "201112", "WIKI-COUNTY-2012-01-005", 2012),
    ListCorrection("441827", "清新县", "valid_to", "201112", "WIKI-COUNTY-2012-01-005", 2012),
    ListCorrection("445203", "揭东区", "valid_from", "201112", "WIKI-COUNTY-2012-01-006", 2012),
    ListCorrection("445221", "揭东县", "valid_to", "201112", "WIKI-COUNTY-2012-01-006", 2012),
    ListCorrection("440311", "光明区", "valid_from", "201904", "WIKI-COUNTY-2018-04-003", 2018),
)

# The list of 1990 prints 石湾区 under the code of 城区 and leaves 440603 out: a fault of one list,
# since the lists before and after agree.
MISPRINTED_RUN = ("440602", "石湾区", "199012")
INTERRUPTED = ("440603", "石湾区")

ALIASES = (
    ("Yun ft]", "445300", "OCR of Yunfu; China City Statistical Yearbook edition 2019"),
    ("Shanwci", "441500", "OCR of Shanwei; China City Statistical Yearbook edition 2019"),
    ("Yeyang", "445200", "OCR of Jieyang; China City Statistical Yearbook edition 2012"),
    ("Leehang", "440281", "OCR of Lechang; China City Statistical Yearbook edition 2019"),
    ("Hcshan", "440784", "OCR of Heshan; China City Statistical Yearbook edition 2019"),
    ("Le^OU", "440882", "OCR of Leizhou; China City Statistical Yearbook edition 2016"),
    ("Canton", "440100", "Older English name in portals"),
    ("从化市", "440117", "China City Statistical Yearbook 2016 and 2017 keep the old name"),
    ("增城市", "440118", "China City Statistical Yearbook 2016 and 2017 keep the old name"),
    ("达濠区", "440506", "The code lists print 达豪区; events and yearbooks print 达濠区"),
    ("全省", "440000", "Provincial total in tables of the Guangdong Statistical Yearbook"),
)
# Traditional characters of the plan mirror (gz_circle_plan_2023) and of Macao's portal pages.
TRADITIONAL = {
    "廣東": "440000", "廣州": "440100", "韶關": "440200", "汕頭": "440500", "江門": "440700",
    "肇慶": "441200", "陽江": "441700", "清遠": "441800", "東莞": "441900", "揭陽": "445200",
    "雲浮": "445300",
    "端州區": "441202", "鼎湖區": "441203", "高要區": "441204", "四會": "441284",
    "四會市": "441284", "清城區": "441802", "清新區": "441803", "佛岡縣": "441821",
    "佛岡": "441821", "增城區": "440118", "花都區": "440114", "從化區": "440117",
    "從化": "440117",
}  # fmt: skip

DOCUMENTS = {
    "000": "gz_circle_paper",
    "001": "gz_circle_plan_2023",
    "002": "guangfo_plan_2025",
    "003": "prw_plan_2023",
}

# circle_id: kind, English name, remark. Sentences of the documents stay out.
CIRCLES = {
    "GZ_PAPER9": ("circle", "Guangzhou metro circle (paper, nine cities)",
                  "Nine whole cities; another region than GZ_OFFICIAL2023 under the same name"),
    "GZ_PAPER_PRD": ("list", "Members of the paper's circle in the Pearl River Delta",
                     "Read from an exclusion; not the full Pearl River Delta"),
    "GZ_PAPER_CORE5": ("core", "Core area of the paper, with Guangzhou",
                       "Read off the paper's night-light pictures of 2010 and 2021, whose product, "
                       "calibration and threshold are not stated: a label, never recomputed"),
    "GZ_PAPER_CORE4": ("core", "Core area of the paper, without Guangzhou",
                       "The paper uses core area in two meanings"),
    "GZ_PAPER_PERIPH": ("list", "Periphery of the paper", ""),
    "GZ_PAPER_NODES": ("list", "County-level nodes of the paper", "Illustrative, not complete"),
    "N_ECO_PAPER": ("list", "Northern ecological area (named in the paper)", "Not complete"),
    "GZ_OFFICIAL2023": ("circle", "Guangzhou metro circle (plan of 2023)",
                        "Two whole cities and seven county units of Zhaoqing and Qingyuan"),
    "GZ_OFFICIAL2023_TASK": ("list", "Areas outside the circle that tasks of the plan reach",
                             "Not part of the circle; extent of the parts is not given"),
    "GF_CORE_OFFICIAL": ("core", "Guangzhou-Foshan core (plan of 2023)", ""),
    "TWO_POLES_OFFICIAL": ("list", "Two poles (plan of 2023)", "Extent not defined"),
    "AXIS_GFZ": ("axis", "Guangzhou-Foshan-Zhaoqing development axis",
                 "Extent of the metropolitan areas not defined"),
    "AXIS_GQ": ("axis", "Guangzhou-Qingyuan development axis",
                "Extent of the metropolitan areas not defined"),
    "PX_BELT": ("axis", "Pearl River-Xijiang economic belt", "Reaches into Guangxi"),
    "PB_BELT": ("axis", "Pearl River-Beijiang economic belt", "Reaches into Hunan and Jiangxi"),
    "GQ_RURAL_PILOT": ("pilot", "Guangzhou-Qingyuan urban-rural integration pilot area", ""),
    "PROV_TOWN_PILOT": ("pilot", "Provincial pilot towns of urban-rural integration", ""),
    "GFZ": ("list", "Guangzhou-Foshan-Zhaoqing", "Members expanded from an abbreviation"),
    "GQ_SPECIAL": ("pilot", "Guangzhou-Qingyuan special economic cooperation zone", ""),
    "GF": ("circle", "Guangzhou-Foshan", ""),
    "GF_PILOT": ("pilot", "Guangzhou-Foshan pilot zone of integration",
                 "Zones across the border; no areas per zone"),
    "GF_AXIS_MID": ("axis", "Central core development axis (Guangzhou-Foshan)", ""),
    "GF_AXIS_S": ("axis", "Southern new development axis (Guangzhou-Foshan)", ""),
    "GF_AXIS_N": ("axis", "Northern green development axis (Guangzhou-Foshan)", ""),
    "GFZQYS": ("circle", "Guangzhou-Foshan-Zhaoqing-Qingyuan-Yunfu-Shaoguan economic circle",
               "Only the title of a plan; members expanded from an abbreviation"),
    "N_ECO_GF": ("list", "Northern ecological cities (named in the Guangzhou-Foshan plan)",
                 "Not complete"),
    "PRW": ("circle", "Pearl River West metro circle", ""),
    "PRW_INNER": ("core", "Inner cooperation circle of Pearl River West",
                  "Not complete; whether Xinhui belongs to it is not said"),
    "PRW_OUTER": ("list", "Outer coordination circle of Pearl River West", "Not complete"),
    "ZZJ": ("list", "Zhuhai-Zhongshan-Jiangmen", "Members expanded from an abbreviation"),
    "ZZJY": ("list", "Zhuhai-Zhongshan-Jiangmen-Yangjiang",
             "Members expanded from an abbreviation"),
    "PROV_SUPPORT": ("list", "Two supports of the coastal economic belt", ""),
    "DUAL_CORE": ("list", "Two cores and two provincial sub-centres", ""),
    "TIANLUSHAN": ("list", "Cities around Mount Tianlu",
                   "Crosses the Pearl River West circle and the paper's nine cities"),
}  # fmt: skip

WHOLE = ("whole", "缩写")
_DOCUMENT_NUMBER = re.compile(
    r"(?:国函|民批|民行批|粤府函?|国发)(?:字)?〔\d{4}〕\d+号|\(\d{2}\)国函字\d+号"
)


# --------------------------------------------------------------------------- originals


@dataclass
class Originals:
    """The folder of originals, and a record of every file that was read from it."""

    folder: Path
    hashes: dict[str, tuple[str, int]] = field(default_factory=dict)

    def rows(self, path: str) -> list[dict[str, str]]:
        """Records with three added cells: read_from, read_sha256, read_locator (`L<line>`)."""
        data = (self.folder / path).read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        self.hashes[path] = (digest, len(data))
        reader = csv.reader(data.decode("utf-8-sig").splitlines(keepends=True))
        header = next(reader)
        rows, start = [], reader.line_num + 1
        for cells in reader:
            row = dict(zip(header, cells, strict=True))
            origin = {
                "read_from": path,
                "read_sha256": digest[:12],
                "read_locator": f"L{start}",
            }
            rows.append(row | origin)
            start = reader.line_num + 1
        return rows


ORIGIN = ("read_from", "read_sha256", "read_locator")


def _origin(row: dict[str, str]) -> dict[str, str]:
    return {column: row[column] for column in ORIGIN}


def _write(folder: Path, name: str, columns: Sequence[str], rows: Iterable[dict[str, str]]) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    with (folder / name).open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, columns, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow(row)
            count += 1
    return count


# --------------------------------------------------------------------------- divisions

DIVISION_COLUMNS = (
    "place_code", "valid_from", "valid_to", "place_name_zh", "place_name_en", "place_level",
    "parent_code", "note", *ORIGIN,
)  # fmt: skip


def list_start(revision: str) -> date:
    """First day a code list stands for: its year for a December list, else its month.

    December lists are yearly and say what held at the end of the year; statistics of that year are
    printed under those names. From 2015 on lists are monthly, and a list of June says that the
    change came in June.
    """
    year, month = int(revision[:4]), int(revision[4:])
    return date(year, 1 if month == 12 else month, 1)


def _level(code: str) -> str:
    if code.endswith("0000"):
        return "province"
    return "prefecture" if code.endswith("00") else "county"


def _with_english(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """English names by code, for the last name of a code: 440106 was 芳村区 before 天河区."""
    names = _EN_PREFECTURES | _EN_COUNTIES
    last: dict[str, str] = {}
    for row in rows:
        last[row["place_code"]] = max(row["valid_from"], last.get(row["place_code"], ""))
    return [
        row
        | {
            "place_name_en": names.get(row["place_code"], "")
            if row["valid_from"] == last[row["place_code"]]
            else ""
        }
        for row in rows
    ]


def _check_corrections(runs: list[dict[str, str]], events: list[dict[str, str]]) -> None:
    years = {event["event_id"]: int(event["year"]) for event in events}
    column = {"valid_from": "first_revision", "valid_to": "absent_from_revision"}
    for fix in LIST_CORRECTIONS:
        said = [
            run[column[fix.edge]]
            for run in runs
            if (run["code"], run["name"]) == (fix.code, fix.name)
        ]
        if said != [fix.list_says] or years.get(fix.event_id) != fix.event_year:
            raise LayoutDrift(
                f"the correction of {fix.code} {fix.name} {fix.edge} no longer fits: expected list "
                f"{fix.list_says} and event {fix.event_id} in {fix.event_year}, found "
                f"{', '.join(said) or 'no run'} and {years.get(fix.event_id)}"
            )


def _without_misprint(runs: list[dict[str, str]]) -> list[dict[str, str]]:
    """The runs without MISPRINTED_RUN, the two halves of the run it interrupted made one."""
    wrong = [r for r in runs if (r["code"], r["name"], r["first_revision"]) == MISPRINTED_RUN]
    halves = [r for r in runs if (r["code"], r["name"]) == INTERRUPTED]
    if len(wrong) != 1 or [half["first_revision"] for half in halves] != ["198412", "199112"]:
        raise LayoutDrift(f"{CODE_RUNS}: the misprint of the list of 1990 is no longer there")
    ends = ("last_revision", "absent_from_revision")
    whole = halves[0] | {column: halves[1][column] for column in ends}
    kept = [r for r in runs if r not in (*wrong, *halves)]
    return [*kept, whole | {"fault": "list 199012 prints it as 440602; read as a misprint"}]


def _code_run(run: dict[str, str]) -> dict[str, str]:
    """One run of the code lists as a division row; corrections of the list year applied."""
    code, name = run["code"], run["name"]
    start = list_start(run["first_revision"])
    gone = run["absent_from_revision"]
    end = list_start(gone) - timedelta(days=1) if gone else None
    notes = [run["fault"]] if "fault" in run else []
    for fix in LIST_CORRECTIONS:
        if (fix.code, fix.name) != (code, name):
            continue
        if fix.edge == "valid_from":
            start = date(fix.event_year, 1, 1)
        else:
            end = date(fix.event_year - 1, 12, 31)
        notes.append(f"list {fix.list_says} dates the change otherwise; year of {fix.event_id}")
    return {
        "place_code": code,
        "valid_from": start.isoformat(),
        "valid_to": end.isoformat() if end else "",
        "place_name_zh": name,
        "place_level": _level(code),
        "note": "; ".join(notes),
        **_origin(run),
    }


def _municipal_districts(
    census_2010: list[dict[str, str]], census_2020: list[dict[str, str]]
) -> list[dict[str, str]]:
    """Districts of Beijing and Shanghai from the two censuses, the only lists held for them."""
    old = {r["区划代码"]: (r["地区"].strip(), r) for r in census_2010}
    new = {r["区划代码"]: (r["区县"].strip(), r) for r in census_2020}
    rows = []
    for code in sorted(old.keys() | new.keys()):
        # 110100 and 310100 are the counting unit 市辖区 (all districts), not a place.
        if code[:2] not in {"11", "31"} or code.endswith("00"):
            continue
        if code in old and code in new and old[code][0] != new[code][0]:
            raise LayoutDrift(f"{code} has two names: {old[code][0]}, {new[code][0]}")
        name, row = old.get(code) or new[code]
        note = ""
        if code not in new:
            note = "only in the 2010 census list; the day it ended is not known"
        elif code not in old:
            note = "only in the 2020 census list; the day it began is not known"
        rows.append(
            {
                "place_code": code,
                "valid_from": "2010-01-01" if code in old else "2020-01-01",
                "valid_to": "" if code in new else "2019-12-31",
                "place_name_zh": name,
                "place_level": "county",
                "note": note,
                **_origin(row),
            }
        )
    return rows


def _later_units(
    runs: list[dict[str, str]], census_2020: list[dict[str, str]], points: list[dict[str, str]]
) -> list[dict[str, str]]:
    """Guangdong units of the census 2020 or of cpca that the last code list does not hold.

    None in the files held today; a newer file that brings one is taken in with a note.
    """
    current = {run["code"]: run["name"] for run in runs if not run["absent_from_revision"]}
    census = {r["区划代码"]: (r["区县"].strip(), r) for r in census_2020}
    cpca = {r["adcode"][:6]: (r["name"].strip(), r) for r in points}
    rows = []
    for code in sorted(census.keys() | cpca.keys()):
        if not code.startswith("44") or code in current:
            continue
        name, row = census.get(code) or cpca[code]
        both = code in census and code in cpca
        rows.append(
            {
                "place_code": code,
                "valid_from": "2020-01-01",
                "valid_to": "",
                "place_name_zh": name,
                "place_level": _level(code),
                "note": "not in the last code list (2019-04)" + ("" if both else "; one list only"),
                **_origin(row),
            }
        )
    return rows


def _with_parents(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Parent by code prefix, when that prefecture exists at the start of the row.

    4490xx (cities run by the province, 1984-1995) and the districts of Beijing and Shanghai have
    no prefecture in any list: their parent is the province.
    """
    periods: dict[str, list[tuple[str, str]]] = {}
    for row in rows:
        period = (row["valid_from"], row["valid_to"] or STILL_VALID.isoformat())
        periods.setdefault(row["place_code"], []).append(period)

    def parent(row: dict[str, str]) -> str:
        code = row["place_code"]
        if row["place_level"] == "province":
            return ""
        above = code[:4] + "00"
        day = row["valid_from"]
        held = any(start <= day <= end for start, end in periods.get(above, []))
        return above if held and row["place_level"] == "county" else code[:2] + "0000"

    return [row | {"parent_code": parent(row)} for row in rows]


def _divisions(originals: Originals) -> list[dict[str, str]]:
    runs, events = originals.rows(CODE_RUNS), originals.rows(COUNTY_EVENTS)
    census_2010, census_2020 = originals.rows(CENSUS_2010), originals.rows(CENSUS_2020)
    _check_corrections(runs, events)
    rows = [_code_run(run) for run in _without_misprint(runs)]
    rows += _municipal_districts(census_2010, census_2020)
    rows += _later_units(runs, census_2020, originals.rows(COUNTY_POINTS))
    return sorted(
        _with_english(_with_parents(rows)), key=lambda row: (row["place_code"], row["valid_from"])
    )


# --------------------------------------------------------------------------- changes

CHANGE_COLUMNS = (
    "event_id", "year", "event_type", "old_units", "new_units", "old_codes", "new_codes",
    "document_number", "confidence", *ORIGIN,
)  # fmt: skip


def _codes_then(
    units: list[str], prefectures: list[str], divisions: list[dict[str, str]], day: date
) -> str:
    """Codes of the units at the day, at their positions; a name shared by several cities (郊区)
    resolves when the event names its city, otherwise its position stays empty."""

    def valid(name: str) -> list[str]:
        return [
            row["place_code"]
            for row in divisions
            if row["place_name_zh"] == name
            and row["valid_from"] <= day.isoformat() <= (row["valid_to"] or "9999")
        ]

    above = {code[:4] for name in prefectures for code in valid(name) if code.endswith("00")}

    def code(name: str) -> str:
        codes = valid(name)
        if len(codes) > 1:
            codes = [code for code in codes if code[:4] in above]
        return codes[0] if len(codes) == 1 else ""

    found = [code(unit) for unit in units]
    return ";".join(found) if any(found) else ""


def _split(text: str) -> list[str]:
    return [part for part in re.split(r"[、；;]", text) if part]


def _change(
    row: dict[str, str], divisions: list[dict[str, str]], *, old: str, new: str, number: str,
    confidence: str,
) -> dict[str, str]:  # fmt: skip
    year, cities = int(row["year"]), _split(row["prefecture_names"])
    before, after = _split(old), _split(new)
    return {
        "event_id": row["event_id"],
        "year": row["year"],
        "event_type": row["event_type"],
        "old_units": ";".join(before),
        "new_units": ";".join(after),
        "old_codes": _codes_then(before, cities, divisions, date(year - 1, 12, 31)),
        "new_codes": _codes_then(after, cities, divisions, date(year, 12, 31)),
        "document_number": number,
        "confidence": confidence,
        **_origin(row),
    }


def _printed_number(description: str) -> str:
    """The document number inside a description, when it names exactly one."""
    numbers = sorted(set(_DOCUMENT_NUMBER.findall(description.replace("（", "").replace("）", ""))))
    return numbers[0] if len(numbers) == 1 else ""


def _changes(originals: Originals, divisions: list[dict[str, str]]) -> list[dict[str, str]]:
    rows = [
        _change(
            row,
            divisions,
            old=row["old_prefecture_name"],
            new=row["new_prefecture_name"],
            number=row["document_number"],
            confidence=row["confidence"],
        )
        for row in originals.rows(CITY_EVENTS)
    ]
    rows += [
        _change(
            row,
            divisions,
            old=row["old_county_units"],
            new=row["new_county_units"],
            number=_printed_number(row["change_description"] + row["description"]),
            confidence=row["source_confidence"],
        )
        for row in originals.rows(COUNTY_EVENTS)
    ]
    return sorted(rows, key=lambda row: (int(row["year"]), row["event_id"]))


# --------------------------------------------------------------------------- aliases, centres


def _aliases() -> list[dict[str, str]]:
    plain = [{"alias": a, "place_code": code, "note": note} for a, code, note in ALIASES]
    old_script = [
        {"alias": alias, "place_code": code, "note": "Traditional characters"}
        for stem, code in TRADITIONAL.items()
        for alias in ([stem] if stem[-1] in "市區縣" else [stem, stem + _old_suffix(code)])
    ]
    rows = {(row["alias"], row["place_code"]): row for row in plain + old_script}
    return [rows[key] for key in sorted(rows, key=lambda key: (key[1], key[0]))]


def _old_suffix(code: str) -> str:
    if code.endswith("0000"):
        return "省"
    return "市" if code.endswith("00") or code[4] == "8" else "縣" if code[4] == "2" else "區"


CENTRE_COLUMNS = ("place_code", "point_kind", "longitude", "latitude", "datum", *ORIGIN)


def _centres(originals: Originals) -> list[dict[str, str]]:
    rows = []
    for row in originals.rows(CITY_POINTS):
        for kind, prefix in (("seat", "center"), ("centroid", "centroid")):
            longitude, latitude = row[f"{prefix}_lon"], row[f"{prefix}_lat"]
            rows.append(_point(row, row["adcode"], kind, longitude, latitude))
    cities = {row["place_code"] for row in rows}
    for row in originals.rows(COUNTY_POINTS):
        code = row["adcode"][:6]
        # 坪山 龙华 光明 (set up 2016-2018) have no point in this list: absent, not guessed.
        if code in cities or code == "440000" or not row["longitude"]:
            continue
        rows.append(_point(row, code, "seat", row["longitude"], row["latitude"]))
    return sorted(rows, key=lambda row: (row["place_code"], row["point_kind"]))


def _point(
    row: dict[str, str], code: str, kind: str, longitude: str, latitude: str
) -> dict[str, str]:
    return {
        "place_code": code,
        "point_kind": kind,
        "longitude": longitude,
        "latitude": latitude,
        "datum": "GCJ-02",
        **_origin(row),
    }


# --------------------------------------------------------------------------- circles

CIRCLE_COLUMNS = (
    "circle_id", "circle_name_zh", "circle_name_en", "circle_kind", "document", "locator",
    "valid_from", "note", *ORIGIN,
)  # fmt: skip
MEMBER_COLUMNS = (
    "circle_id", "member_seq", "place_code", "member_name", "member_level", "coverage", "role",
    "weight", "weight_basis", "no_code_reason", "locator", *ORIGIN,
)  # fmt: skip


def _circles(members: list[dict[str, str]]) -> list[dict[str, str]]:
    first: dict[str, dict[str, str]] = {}
    for row in members:
        known = first.setdefault(row["region_id"], row)
        same = ("region_name", "seed_file", "line", "as_of_year")
        if any(known[column] != row[column] for column in same):
            raise LayoutDrift(f"{row['region_id']}: {row['read_locator']} tells another definition")
    if missing := sorted(first.keys() ^ CIRCLES.keys()):
        raise UnknownName(f"transcribe.CIRCLES and {MEMBERS} differ in {', '.join(missing)}")
    return [
        {
            "circle_id": circle,
            "circle_name_zh": row["region_name"],
            "circle_name_en": CIRCLES[circle][1],
            "circle_kind": CIRCLES[circle][0],
            "document": DOCUMENTS[row["seed_file"][:3]],
            "locator": f"L{row['line']}",
            "valid_from": row["as_of_year"],
            "note": CIRCLES[circle][2],
            **_origin(row),
        }
        for circle, row in sorted(first.items())
    ]


def _no_code_reason(row: dict[str, str]) -> str:
    if row["member_level"] == "乡镇级/片区":
        return "town, park or zone below the county level: no division code"
    if row["coverage"] == "未界定":
        return "urban area whose extent the document does not define: no division code"
    return "outside Guangdong, Beijing and Shanghai: no code list held"


def _member(row: dict[str, str], seq: int, code: str) -> dict[str, str]:
    is_division = row["member_level"] != "乡镇级/片区"
    whole = row["coverage"] in WHOLE
    weighted = whole and is_division
    return {
        "circle_id": row["region_id"],
        "member_seq": str(seq),
        "place_code": code,
        "member_name": row["member_name"],
        "member_level": row["member_level"],
        "coverage": "whole" if whole else "part",
        "role": row["role"],
        "weight": "1" if weighted else "",
        "weight_basis": "whole" if weighted else "not published",
        "no_code_reason": "" if code else _no_code_reason(row),
        "locator": f"L{row['line']}",
        **_origin(row),
    }


def _members(
    members: list[dict[str, str]], divisions: pl.DataFrame, aliases: pl.DataFrame
) -> list[dict[str, str]]:
    """Members in printed order with the code valid at the year of the definition."""
    frame = pl.DataFrame(
        {
            "name": [row["member_name"] for row in members],
            "city": [row["parent_prefecture"] for row in members],
            "day": [definition_date(int(row["as_of_year"] or 0)) for row in members],
        }
    )
    coded = resolve_places(frame, divisions, aliases, name="name", on="day")
    cities = resolve_places(frame, divisions, aliases, name="city", on="day")
    rows, counts = [], dict[str, int]()
    for row, code, city in zip(
        members, coded["place_code"].to_list(), cities["place_code"].to_list(), strict=True
    ):
        if row["member_level"] == "县级" and code and code[:4] != (city or "")[:4]:
            raise UnknownName(
                f"{MEMBERS} {row['read_locator']}: {row['member_name']} resolves to {code}, "
                f"which is not in {row['parent_prefecture']}"
            )
        counts[row["region_id"]] = seq = counts.get(row["region_id"], 0) + 1
        rows.append(_member(row, seq, code or ""))
    return sorted(rows, key=lambda row: (row["circle_id"], int(row["member_seq"])))


# --------------------------------------------------------------------------- all of it


def transcribe(originals: Path, sources: Path) -> list[str]:
    """Write the seven files of `sources/geography/`; return one line of text for each.

    `originals` holds `data/yearbook/` and `facts/`. Deterministic: the same originals give the
    same bytes. LayoutDrift or UnknownName when an original no longer says what this module knows.
    """
    held = Originals(originals)
    folder = sources / "geography"
    report = []

    def write(name: str, columns: Sequence[str], rows: list[dict[str, str]], remark: str) -> None:
        report.append(f"{name}: {_write(folder, name, columns, rows)} rows{remark}")

    divisions = _divisions(held)
    corrected = sum(bool(row["note"]) and "list 20" in row["note"] for row in divisions)
    write("divisions.csv", DIVISION_COLUMNS, divisions, f", {corrected} with a corrected year")
    changes = _changes(held, divisions)
    coded = sum(bool(row["old_codes"] or row["new_codes"]) for row in changes)
    write("division_changes.csv", CHANGE_COLUMNS, changes, f", {coded} with codes")
    write("place_aliases.csv", ("alias", "place_code", "note"), _aliases(), "")
    write("city_centres.csv", CENTRE_COLUMNS, _centres(held), "")
    facts = held.rows(MEMBERS)
    write("circles.csv", CIRCLE_COLUMNS, _circles(facts), "")
    # The members resolve through the same reader and resolver as every other name.
    frame, rejected = read_divisions(sources, lambda file: file)
    aliases, refused = read_aliases(sources, lambda file: file)
    if rejected or refused:
        raise LayoutDrift("; ".join(reject.message() for reject in rejected + refused))
    members = _members(facts, frame, aliases)
    without = sum(not row["place_code"] for row in members)
    write("circle_members.csv", MEMBER_COLUMNS, members, f", {without} without a code")
    files = [
        {"path": path, "sha256": digest, "bytes": str(size)}
        for path, (digest, size) in sorted(held.hashes.items())
    ]
    write("originals.csv", ("path", "sha256", "bytes"), files, "")
    return report
