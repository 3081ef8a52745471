"""What is on disk, and is it whole? schema, catalog, segments, store."""
