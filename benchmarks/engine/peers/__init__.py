"""Others who compute chains of steps, each doing what the scene has Stoa do."""
