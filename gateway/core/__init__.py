"""What every floor shares: errors, stamps, spans, units, the clock, the wake, what the machine says.  Standard library."""
