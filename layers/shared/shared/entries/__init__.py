"""Lambda entries that are the same in every service: the template's variables make the difference.

As the packages of the services do, this one begins the cold start before anything else is imported.
"""

from shared.runtime import cold_start

cold_start.begin()
