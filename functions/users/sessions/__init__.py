"""Sessions: log in, refresh, log out, and the access tokens that they give."""
