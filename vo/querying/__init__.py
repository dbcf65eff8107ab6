"""The page of queries: asking by a form or in ADQL, and what came of it."""
