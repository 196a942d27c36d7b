"""The private room: who may enter, and how what is said there stays between its members."""
