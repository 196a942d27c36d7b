"""A seeder's folder: scanned, hashed, watched, offered by content."""
