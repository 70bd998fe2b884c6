"""What every floor shares: errors, stamps, units, the clock, the wake, what the machine says.  Standard library only."""
