"""Read, transform, check, write: the plan, the command line and the runner."""
