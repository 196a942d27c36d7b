"""What is passed around: immutable values and facts. No I/O, no clock, no thread."""
