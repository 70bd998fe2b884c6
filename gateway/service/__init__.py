"""The composition root: builds everything from the configuration and keeps it running."""
