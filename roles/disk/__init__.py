"""Files that arrive or are read: names, locks, partial files, packs. No sockets but to send to."""
