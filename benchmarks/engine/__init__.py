"""What the engine costs, and how soon an edit is fresh again: ``python -m benchmarks.engine``."""
