"""Downloads that the user asked for, from the first look at the disk to the final name."""
