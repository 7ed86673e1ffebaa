"""IIS 6, the Client Access server and the telephone, over real HTTP on loopback."""
