"""What every service stands on: errors, HTTP, auth, storage, messages and logs. It knows no
service."""
