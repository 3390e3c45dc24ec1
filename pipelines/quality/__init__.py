"""The quality room: judges what arrives in the lake, and keeps the one ledger of all checks.

Belongs here: running the suites of `expectations/` over the lake, turning results of any engine
into ledger rows, saying what stops a release. Not here: the rules themselves (`expectations/`, dbt
tests) and the decision to publish (release). Importing this package does not import
great_expectations.
"""
