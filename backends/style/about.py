"""How the family's tasks work, in plain words."""

STYLE_TRANSFER = """
To be written with the method.
"""

LIVE_STYLE = """
Nothing is trained for a style and nothing is optimised, so any picture can be the style, at once.

1. **The style is read once.** It is cut into cells of 4 x 4 px. A small network describes what each one and its
   surroundings look like: 48 numbers for colours and texture. This is kept for the next frames.
2. **The photograph takes on the style's palette**: mean and covariance of its colours become those of the style.
3. **Each cell looks for its piece.** The cell of the style that is most like it wins, as in *style swap*
   ([Chen and Schmidt 2016](https://arxiv.org/abs/1612.04337)). Neighbours prefer pieces that are neighbours in the
   style too ([Li and Wand 2016](https://arxiv.org/abs/1601.04589)), so that strokes stay whole. This is done at half
   the size first, then at full size.
4. **The pieces are put together**, faded into one another, with some of the photograph's light and dark.

In a video two things keep still what stands still. A filter in time averages noise away, pixel by pixel, and takes
movement as it is. And a cell that stands still keeps its stroke unless another fits far better, with the last painted
frame as its guide. There is no optical flow: a stroke does not travel with what it paints.
"""
