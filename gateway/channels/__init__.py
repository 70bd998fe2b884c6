"""Channels: recipients that get what changed in a catalogue, each kind of change at its own times."""
