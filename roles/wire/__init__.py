"""Every byte that is sent: LMK/1 of the original programs, and LMK/2. No sockets."""
