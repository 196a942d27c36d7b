"""What the program keeps for its user: profile, log, codes; and the user's folders."""
