"""Between an app and a Realtime server: the key stays here, and each side speaks its own dialect."""
