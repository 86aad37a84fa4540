#!/usr/bin/env python3
"""Moodlake's command line: `run_ingestion.py --help` lists the verbs; with none it runs the nightly job."""

from jobs.cli import main

if __name__ == "__main__":
    main()
