"""The release room: a finished build becomes one verified, immutable folder and one pointer to it.

Belongs here: the typed, ordered export to Parquet (`parquet`), the DuckDB file made from it
(`database`), the documentation of a release (`metadata`, `browser`, `cite`), its verification
(`verify`), the single writer (`lock`), the step from staging to `current` (`publish`), the
comparison of two releases (`diff`) and read-only SQL on one (`query`). Not here: any change of a
value, any judgement of quality, any look at the sources. What a release says was decided before it
reached this room; here it is only checked and written.
"""
