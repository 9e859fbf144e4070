"""`make dlq`: the messages that the shop's workers gave up, and the events that its relays could not publish. List them, read why, move them back, delete them."""
