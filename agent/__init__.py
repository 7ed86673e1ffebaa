"""easfix: clears "Require SSL" where it stops phones behind an Exchange 2007/2010 proxy."""
