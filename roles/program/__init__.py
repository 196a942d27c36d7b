"""What a program keeps beside its files: profile, log, the user's folders."""
