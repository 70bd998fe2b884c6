"""Loopback servers for tests, benchmarks and the demo: honest ones as installed, hostile ones named for their crime."""
