"""Every byte that LMK/2 sends. No sockets."""
