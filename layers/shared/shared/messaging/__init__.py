"""Events and queues: publishing, and the workers that consume."""
