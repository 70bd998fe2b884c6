"""What every floor shares: errors, stamps, units, the clock, what the machine says.  Standard library only."""
