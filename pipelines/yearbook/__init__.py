"""Yearbooks: printed tables of cities and counties become observations.

Floor plan of every source package: acquire -> parse -> assets. Here: the archive acquires,
`transcribe` reads originals into `sources/yearbook/transcriptions`, `maps` turns rows as printed
into observations, `assets` hands them to Dagster.
"""
