"""The search for tunnels. Its modules compile kernels, so nothing is imported here."""
