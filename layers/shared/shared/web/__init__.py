"""HTTP: the app, its routes and what is in requests and answers."""
