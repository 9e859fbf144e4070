"""Returns: units of a delivered order that its customer sends back."""
