"""Transformations of the silver layer, one module a table."""
