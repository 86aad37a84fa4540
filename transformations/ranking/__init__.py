"""The exact engine: counts of plays as sparse arrays in, matches and rankings as arrays out; no Spark, no session.

The evaluation measures these modules; no table is built by them yet. Artist or track is an argument.
"""
