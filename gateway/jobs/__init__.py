"""Distribution jobs: one source, many destinations, compiled into actions (DESIGN §1)."""
