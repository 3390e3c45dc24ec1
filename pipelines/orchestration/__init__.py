"""Jobs, schedules and the run's clock: when the rooms work, and how long they take."""
