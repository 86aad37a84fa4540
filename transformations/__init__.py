"""Pure DataFrame to DataFrame: one module a table, each exports build(*, ...)."""
