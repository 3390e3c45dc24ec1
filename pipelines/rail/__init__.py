"""Rail: which trains call where in Guangdong, by date.

Belongs here: the national timetable archive, its calendar, stations, and the tidy tables made of
them. Not here: counting trains between cities (dbt), fares, seats, or anything live.
"""
