"""BaSC against fields of known truth and against other finders: ``python -m benchmarks.basc``."""
