"""BitTorrent: torrents of a seeder's folder, and what a tracker says of their peers."""
