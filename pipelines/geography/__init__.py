"""Geography: divisions with validity, other names of places, circles and their members.

Belongs here: turning `sources/geography/*.csv` into the contract's geography tables, and resolving
a printed place name to a division code at a date. Not here: values of places, sums over circles
(dbt), or anything that guesses where a boundary lies.

Floor plan: `transcribe` writes the CSV files from the originals; `divisions` reads them and owns
the place resolver; `circles` reads definitions and members.
"""
