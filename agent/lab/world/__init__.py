"""Windows Server 2003 with Exchange 2003 as a world without a wire: causes that have effects."""
