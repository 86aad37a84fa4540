"""When: thin DAGs that read the plan and call the command line; they know nothing of Spark."""
