"""What every table is: one contract a table, declared once and used everywhere."""
