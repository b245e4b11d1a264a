"""What the acceptance suite stands on: a broker connection, a worker process, and a record of what was seen."""
