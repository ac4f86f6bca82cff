"""How games are read and split: a byte of these modules changed, and every cache is made anew."""
