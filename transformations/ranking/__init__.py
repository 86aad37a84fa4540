"""The exact engine: counts of plays as sparse arrays in, matches and rankings as arrays out; no Spark, no session.

Whatever ranks, in a night or in the evaluation, calls these modules; artist or track is an argument.
"""
