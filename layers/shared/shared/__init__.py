"""What every service uses: errors, HTTP, auth, storage, messages and logs. It knows no
service."""
