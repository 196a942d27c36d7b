"""How fast files travel on loopback: python3 -m tests.bench. It asserts nothing."""
