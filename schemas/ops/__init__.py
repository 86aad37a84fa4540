"""Contracts of the ops layer, one module a table."""
