"""What drives an installation from outside, as its users do: programs, REST, SSH, the head's page."""
