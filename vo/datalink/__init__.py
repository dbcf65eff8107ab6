"""DataLink 1.1: from the identifier of a published file to the file, and to what goes with it."""
