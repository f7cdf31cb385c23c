"""Pure code: no I/O, no clock, no randomness. What was read goes in, what is to be written comes out."""
