"""What a run does, through the whole engine."""
