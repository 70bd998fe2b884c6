"""Seeded random histories of deliveries: killed processes, lost answers, late renames, peers that take files away."""
