"""A worker that is killed again and again under a mixed load, and everything that was seen of it."""
