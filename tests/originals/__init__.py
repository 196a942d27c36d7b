"""Literal imitations of the original LMKtorrent programs, as test instruments.

Written from docs/PROTOCOL.md, part LMK/1, alone: the same buffer sizes, single receives, timeouts
and crashes. They know nothing of our own roles and import none of their code. Do not fix them:
whatever ends an original must end its imitation too, or a test that mixes both proves nothing.
"""
