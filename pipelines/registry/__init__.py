"""The registries: indicators, units, documents and editions, as tables of the lake."""
