"""The state of the data centers, and the jobs that change it over time. Nothing in here depends on HTTP."""
