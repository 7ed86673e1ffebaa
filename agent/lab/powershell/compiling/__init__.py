"""From the grammar's tree to closures: each construct is compiled once and run as often as it is needed."""
