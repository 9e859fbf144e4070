"""AWS calls, request units and prices of what the shop does, on the simulated cloud."""
