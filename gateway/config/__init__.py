"""The configuration: its schema, how it is loaded, and where secrets come from."""
