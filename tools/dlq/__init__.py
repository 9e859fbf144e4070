"""`make dlq`: the messages that the shop's workers gave up. List them, read why, move them back, delete them."""
