"""What is served over HTTP: the Realtime socket, and the small things around it."""
