"""What a user asked for, from its first look at the disk to its final name."""
