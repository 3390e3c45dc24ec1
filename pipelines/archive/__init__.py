"""The archive room: raw bytes come in here, guarded, and are never altered or deleted."""
