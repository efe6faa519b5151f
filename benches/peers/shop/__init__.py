"""The table of the benchmark as a Django app."""
