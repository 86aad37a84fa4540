"""The verbs about accounts and services; `jobs.cli` adds them to the command line."""
