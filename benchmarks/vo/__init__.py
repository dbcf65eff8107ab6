"""What it costs to answer queries over what is published."""
