"""Programs that others wrote read what we serve: python3 -m tests.clients."""
