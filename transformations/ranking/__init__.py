"""The exact engine: counts of plays as sparse arrays in, matches and rankings as arrays out; no Spark, no session.

The evaluation measures these modules, the nightly plan runs them. Artist or track is an argument.
"""
