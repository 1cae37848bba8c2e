"""Looking at a plan, moving its tunnels, and signing it off: the session, what it shows, and a page on this machine."""
