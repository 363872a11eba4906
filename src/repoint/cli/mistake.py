class Mistake(Exception):
    """What the user can put right; its text says what is wrong and what to do, and is all that is printed."""
