"""BitTorrent: torrents of a seeder's folder, and a tracker's answers about their peers."""
