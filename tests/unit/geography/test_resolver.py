"""Names of places at dates: a table that a reader of yearbooks can check line by line."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.geography.divisions import read_aliases, read_divisions, resolve_places
from pipelines.settings import Settings

SOURCES = Settings().sources
DIVISIONS, REJECTED = read_divisions(SOURCES, lambda file: file)
ALIASES, _ = read_aliases(SOURCES, lambda file: file)

# printed name, end of its period, code
RESOLVES = [
    # exact, without suffix, blanks, widths, converter debris, numbering
    ("广州市", "2021-12-31", "440100"),
    ("广州", "2021-12-31", "440100"),
    ("广  州", "1999-12-31", "440100"),
    ("\u3000广\u3000州\u3000市", "2010-12-31", "440100"),
    ("\xa0 广州市_x000D_\n", "2010-12-31", "440100"),
    ("1.北京市", "2008-12-31", "110000"),
    ("９．上海", "2008-12-31", "310000"),
    ("# 佛山", "2020-12-31", "440600"),
    ("从化\u5dff", "2010-12-31", "440184"),  # U+5DFF, a look-alike of 市
    ("广东", "2021-12-31", "440000"),
    ("广东省", "2021-12-31", "440000"),
    # a county that became a district keeps both codes, each in its time
    ("从化县", "1990-12-31", "440122"),
    ("从化", "2013-12-31", "440184"),
    ("从化", "2014-12-31", "440117"),
    ("从化市", "2013-12-31", "440184"),
    ("从化区", "2014-12-31", "440117"),
    ("从化市", "2014-12-31", "440184"),  # the year it changed, old status
    ("从化市", "2016-12-31", "440117"),  # a late table keeps the old name: declared alias
    ("清新县", "2011-12-31", "441827"),
    ("清新县", "2012-12-31", "441827"),  # the year it changed
    ("清新区", "2012-12-31", "441803"),
    ("清新", "2011-12-31", "441827"),
    ("清新", "2019-12-31", "441803"),
    ("高要市", "2014-12-31", "441283"),
    ("高要市", "2015-12-31", "441283"),  # the year it changed
    ("高要区", "2015-12-31", "441204"),
    ("高要", "2022-12-31", "441204"),
    ("光明区", "2018-12-31", "440311"),
    ("梅县", "2010-12-31", "441421"),
    ("梅县", "2020-12-31", "441403"),  # 梅县区 without its suffix
    # a prefecture wins over a county with the same stem, unless the suffix says otherwise
    ("惠阳", "1986-12-31", "442500"),
    ("惠阳县", "1986-12-31", "442521"),
    ("东莞", "1986-12-31", "442502"),
    ("东莞", "2020-12-31", "441900"),
    ("清远县", "1986-12-31", "440127"),
    # autonomous counties
    ("连南", "2020-12-31", "441826"),
    ("连南县", "2020-12-31", "441826"),
    ("连山自治县", "2020-12-31", "441825"),
    ("乳源瑶族自治县", "2020-12-31", "440232"),
    # a leading code decides
    ("440103 荔湾区", "2020-12-31", "440103"),
    ("440103000000 荔湾", "2020-12-31", "440103"),
    ("440602 城区", "1995-12-31", "440602"),
    ("440103", "2020-12-31", "440103"),
    # English, aliases
    ("Guangzhou", "2020-12-31", "440100"),
    (" GUANG ZHOU ", "2020-12-31", "440100"),
    ("Guangdong Province", "2020-12-31", "440000"),
    ("Yun ft]", "2018-12-31", "445300"),
    ("Yeyang", "2011-12-31", "445200"),
    ("廣州市", "2022-12-31", "440100"),
    ("全省", "2022-12-31", "440000"),
]

# printed name, end of its period, a candidate that the message must offer ("" = none near)
UNKNOWN = [
    ("广洲", "2020-12-31", "广州市"),
    ("城区", "1990-12-31", "440602 城区"),
    ("城区", "1990-12-31", "441502 城区"),
    ("高要市", "2020-12-31", "高要区"),
    ("清新县", "2013-12-31", "清新区"),
    ("从化区", "2012-12-31", "从化市"),
    ("440103 越秀区", "2020-12-31", "440103 荔湾区"),
    ("440103 越秀区", "2020-12-31", "越秀区"),
    ("440184 从化市", "2020-12-31", "从化区"),
    ("朝阳", "2020-12-31", "朝阳区"),  # in national tables this is the city in Liaoning
    ("Yuncheng", "2020-12-31", ""),  # in national tables this is the city in Shanxi
    ("城市合计", "2020-12-31", ""),
    ("", "2020-12-31", ""),
]


def resolve(names: list[str], days: list[str]) -> pl.DataFrame:
    frame = pl.DataFrame(
        {"place_raw": names, "period_end": [date.fromisoformat(day) for day in days]},
        schema={"place_raw": pl.String, "period_end": pl.Date},
    )
    return resolve_places(frame, DIVISIONS, ALIASES)


def test_no_row_of_the_divisions_is_refused() -> None:
    assert [reject.message() for reject in REJECTED] == []


def test_names_resolve_at_their_date() -> None:
    names, days, codes = (list(column) for column in zip(*RESOLVES, strict=True))
    answer = resolve(names, days)
    found = list(zip(names, days, answer["place_code"].to_list(), strict=True))
    assert found == list(zip(names, days, codes, strict=True))
    assert answer["place_candidates"].to_list() == [None] * len(names)


@pytest.mark.parametrize(("name", "day", "candidate"), UNKNOWN)
def test_an_unknown_or_ambiguous_name_is_null_with_candidates(
    name: str, day: str, candidate: str
) -> None:
    row = resolve([name], [day]).row(0, named=True)
    assert row["place_code"] is None
    assert candidate in row["place_candidates"]


def test_the_nearest_name_comes_first() -> None:
    answer = resolve(["广洲", "东菀市", "顺德市"], ["2020-12-31"] * 3)
    first = [text.split(", ")[0] for text in answer["place_candidates"].to_list()]
    assert first == ["广州市", "东莞市", "顺德区"]


def test_rows_keep_their_order_and_an_absent_name_or_date_is_no_error() -> None:
    frame = pl.DataFrame(
        {
            "place_raw": ["佛山", None, "广州", "广州", "佛山"],
            "period_end": [date(2020, 12, 31), date(2020, 12, 31), None, *[date(2020, 12, 31)] * 2],
            "value": [1, 2, 3, 4, 5],
        }
    )
    answer = resolve_places(frame, DIVISIONS, ALIASES)
    assert answer["value"].to_list() == [1, 2, 3, 4, 5]
    assert answer["place_code"].to_list() == ["440600", None, None, "440100", "440600"]
    assert answer["place_candidates"].to_list() == [None, None, "", None, None]
    # Resolving a resolved frame again replaces its answer.
    assert resolve_places(answer, DIVISIONS, ALIASES).equals(answer)


def test_an_empty_frame_stays_empty() -> None:
    assert resolve([], []).columns == ["place_raw", "period_end", "place_code", "place_candidates"]


CITIES = (
    DIVISIONS.filter(
        pl.col("place_level") == "prefecture",
        pl.col("place_name_zh").str.ends_with("市"),
        pl.col("valid_to").is_null(),
    )
    .select("place_code", "place_name_zh")
    .rows()
)
BLANKS = st.text(alphabet=" \t\n\u3000\xa0\u200b", max_size=3)


# No deadline: on a busy machine a single call has taken longer than hypothesis allows.
@settings(deadline=None, max_examples=60)
@given(st.data(), st.sampled_from(CITIES), st.booleans(), st.integers(1995, 2024))
def test_spacing_and_suffix_never_change_the_answer(
    data: st.DataObject, city: tuple[str, str], suffix: bool, year: int
) -> None:
    code, name = city
    letters = name if suffix else name[:-1]
    printed = data.draw(BLANKS) + "".join(letter + data.draw(BLANKS) for letter in letters)
    assert resolve([printed], [f"{year}-12-31"])["place_code"].to_list() == [code]
