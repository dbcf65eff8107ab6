"""Table Access Protocol 1.1: queries over what is published, answered at once or as jobs."""
