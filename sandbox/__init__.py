"""A made-up world of listeners in real export formats; imports nothing of the project's other packages."""
