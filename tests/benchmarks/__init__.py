"""Speed of imports, builds, nights and sessions against bare Spark and DuckDB: `python -m tests.benchmarks --help`."""
