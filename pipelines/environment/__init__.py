"""Environment: air bulletins of the province, daily air records, and the standards behind them.

Floor plan of every source package: acquire -> parse -> assets. Here: the archive acquires,
`transcribe` reads originals into `sources/environment/transcriptions`, `bulletin` and `air` turn
rows as printed into the contract's tables, `reference` reads breakpoints and limits, `assets` hands
them to Dagster. Not here: indices, statistics, ranks or means (dbt), and no water tables yet.
"""
