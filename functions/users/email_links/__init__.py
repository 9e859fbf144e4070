"""What the links in e-mails do: confirm an address, set a forgotten password."""
