"""What jobs stand on: settings, Spark, the lake, increments, quality, logs."""
