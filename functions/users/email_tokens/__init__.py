"""One-time tokens of e-mails: a request that has one comes from who reads the mailbox."""
