"""How tokens are had, renewed and kept; the clients ask here for one that is valid now."""
