"""Sockets: addresses, connections, limits. Nothing here knows what is said over them."""
