"""What is told to whoever does not look: idle devices, who watches the lab, where events go."""
