"""How the family's tasks work, in plain words."""

STYLE_TRANSFER = """
To be written with the method.
"""
