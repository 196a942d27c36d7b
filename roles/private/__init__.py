"""Private rooms: who may enter, and how nobody else can read what they say."""
