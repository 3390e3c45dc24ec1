"""Publications: what five documents print, aim at and name, to hold the warehouse against.

Belongs here: turning `sources/publications/*.csv` into printed figures, policy targets, named
projects and strategic industries. Not here: comparing them with the warehouse (dbt), circles that
the same documents define (geography), sentences of the documents.

Floor plan: `transcribe` writes the CSV files from the facts; `tables` reads them, parses numbers
and resolves names through the alias files.
"""
