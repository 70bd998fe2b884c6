"""One action: planned, executed, settled."""
