"""The SDK's reference manual is written from here; loaded only because what all clients use lies
beside it."""
