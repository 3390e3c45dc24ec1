"""Hourly air records: an hour of a day, once per station, in the units of their pollutants.

Belongs here: what must hold of an hour as it was published. Not here: its recomputed index, means
of a day (dbt). The table may hold ten million rows: each rule is one pass.
"""

from __future__ import annotations

from expectations import (
    ENGINEERING,
    Suite,
    broken_rows,
    files_match_contract,
    not_null,
    one_of,
    refers_to,
)

SUITE = Suite(
    "air_station_hour",
    (
        files_match_contract("air_station_hour"),
        not_null("snapshot_id"),
        not_null("record"),
        not_null("observed_on"),
        one_of("grain", "station", "city"),
        one_of("source_kind", "original", "mirror", "transcription", "secondary"),
        refers_to("place_code", "division", "place_code"),
        broken_rows(
            "hour_of_the_day",
            "the hour lies between 1 and 24",
            "select slice, snapshot_id, record, hour from {batch} where hour not between 1 and 24",
            owner=ENGINEERING,
            by_slice=True,
        ),
        broken_rows(
            "hour_held_once",
            "one record per document, edition, station (or city) and hour",
            # A day's hours as bits: a group a day instead of one an hour, in an eighth of the time.
            """
            select slice, place_raw, station_code, station_name, observed_on, count(*) as records
            from {batch}
            where hour between 1 and 24
            group by slice, grain, place_raw, station_code, station_name, observed_on
            having count(*) > bit_count(bit_or(1 << hour))
            """,
            owner=ENGINEERING,
            by_slice=True,
        ),
        broken_rows(
            "network_is_known",
            "the series of the document is listed for the day",
            "select slice, document, observed_on from {batch} where network is null",
            owner=ENGINEERING,
            by_slice=True,
        ),
        broken_rows(
            "document_is_known",
            "the document is registered in table document",
            """
            select distinct t.slice, t.document from {batch} t
            where not exists (select 1 from document k where k.document = t.document)
            """,
            owner=ENGINEERING,
            needs=("document",),
        ),
        # The platform crosses these two names; the reader tells them by their order.
        broken_rows(
            "ozone_in_order",
            "nearly always the highest ozone of the day so far is no less than that of the hour",
            """
            select slice, count(*) as hours from {batch}
            group by slice
            having count(*) filter (o3_1h_ugm3 > o3_1h_max_ugm3) > 0.05 * count(o3_1h_max_ugm3)
            """,
            by_slice=True,
        ),
        broken_rows(
            "columns_hold_what_they_head",
            "in no slice do most hours have PM2.5 above PM10, CO above 10 mg/m3 or PM2.5 above the "
            "index",
            """
            select slice, count(*) as hours from {batch}
            group by slice
            having count(*) filter (pm25_ugm3 > pm10_ugm3) > 0.5 * count(*)
                or count(*) filter (co_mgm3 > 10) > 0.5 * count(*)
                or count(*) filter (pm25_ugm3 > aqi_published) > 0.5 * count(*)
            """,
            by_slice=True,
        ),
    ),
    may_be_empty=True,
)
