"""Ways in: each gives a connection that frames come from and go to."""
