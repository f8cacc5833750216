"""The style pictures that ship with `style_transfer`, drawn: `python -m recipes.paintings`."""
