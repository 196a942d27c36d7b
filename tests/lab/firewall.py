"""A firewall as lab computers have it: connections from outside get no answer.

A few instructions for the kernel's packet filter, so that no firewall program needs to be
installed.
"""

from __future__ import annotations

# (code, jump if true, jump if false, value) on an Ethernet frame; -1 passes it, 2 drops it.
_GO_ON, _DROP = 0xFFFFFFFF, 2
_PROGRAM = (
    (0x28, 0, 0, 12),  # load the kind of packet
    (0x15, 0, 8, 0x0800),  # IPv4, otherwise pass
    (0x30, 0, 0, 23),  # load the protocol
    (0x15, 0, 6, 6),  # TCP, otherwise pass
    (0x28, 0, 0, 20),  # load the fragment's offset
    (0x45, 4, 0, 0x1FFF),  # pass a later fragment
    (0xB1, 0, 0, 14),  # the length of the IP header
    (0x50, 0, 0, 27),  # load the TCP flags
    (0x54, 0, 0, 0x12),  # keep SYN and ACK
    (0x15, 1, 0, 0x02),  # SYN alone: a new connection from outside
    (0x06, 0, 0, _GO_ON),
    (0x06, 0, 0, _DROP),
)
_BYTECODE = ",".join([str(len(_PROGRAM)), *(" ".join(map(str, step)) for step in _PROGRAM)])

DROP_GREETINGS = [
    "qdisc add dev eth0 clsact",
    f'filter add dev eth0 ingress bpf direct-action bytecode "{_BYTECODE}"',
]
