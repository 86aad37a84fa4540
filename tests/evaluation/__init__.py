"""Quality on real data: `python -m tests.evaluation` measures what the project's own code reaches, beside baselines.

A section is a module with one function, `measure(shared) -> Section`, and a line in tests.evaluation.sections.
"""
