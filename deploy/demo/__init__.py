"""The demonstration: citizens request a PIN and use it, live on the screen."""
