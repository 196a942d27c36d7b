"""What every role needs: the life of a role, this machine's network, limits, profile, log."""
