"""The local stack: an emulator of AWS, the template deployed into it, and the API on a port."""
