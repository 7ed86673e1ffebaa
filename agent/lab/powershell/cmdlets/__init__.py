"""The cmdlets of the language itself; those that touch the machine are bindings."""
