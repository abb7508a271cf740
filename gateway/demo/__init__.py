"""A fictional county for the demo, tests and benchmarks: people, a year of records, the story. See README.md."""
