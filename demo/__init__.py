"""The demonstration: a gateway, its partners and some files, on loopback in a temporary folder."""
