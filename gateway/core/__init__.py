"""Values that every floor shares: errors, stamps, spans, units, the clock, the wake.  Standard library only, no I/O."""
