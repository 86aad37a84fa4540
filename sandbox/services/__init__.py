"""The services as HTTP servers on loopback: as strict and as misbehaving as the real ones, and made up."""
