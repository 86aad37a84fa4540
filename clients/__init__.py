"""Readers of listening data from outside the lake; they yield raw records and judge no values."""
