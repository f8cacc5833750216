"""How the family's tasks work, in plain words."""

STYLE_TRANSFER = """
Nothing is trained for a style: the style is one picture, one of the ten that come with Atelier or your own.

1. **The palette.** The colours of the photograph are moved onto those of the style, so that all of its colours are used
   in their proportions: sliced optimal transport
   ([Pitié et al. 2007](https://doi.org/10.1016/j.cviu.2006.11.011)).
2. **The strokes, from coarse to fine.** The picture is cut into overlapping patches. For each one the style is searched
   for the patch that is most like it, in its pixels and in the maps of a small network, and that patch is put in its
   place ([Elad and Milanfar 2017](https://arxiv.org/abs/1609.03057)). This is done at a quarter of the size, at a half,
   and at full size, nine times in all. Between two passes the photograph's light and colour come back, so that its
   forms stay. Where there is much to see, a face or an edge, the last patches are the smallest.
3. **The refinement.** The pixels are then changed step by step, as in the first neural style transfer
   ([Gatys et al. 2016](https://arxiv.org/abs/1508.06576)), until the network's maps are distributed more like those of
   the style (sliced Wasserstein distance, [Heitz et al. 2021](https://arxiv.org/abs/2006.07229)) and still say what the
   photograph shows. Strokes become crisp and run on over the seams of the patches.
4. **Some lines of the photograph** come back in the end, fewer the stronger the style is.

The network of steps 2 and 3 is ours: the trunk of the picture classifier, with 2 million numbers. It knows textures
well, objects hardly. That is why step 2 copies strokes as they are: a small network alone leaves a tinted photograph.

**Settings.** Strength moves the balance between photograph and style. Brush size scales the style picture, and its
strokes with it. A second style takes over the parts where it fits better; its share says how readily. The same settings
and the same seed give the same picture.

**What it is bad at.** Large shapes of a style are not followed. Faces of less than some 60 px lose their features.

The two models "At once" need no steps: see the page of Live style.

**To download.** VGG19 or ResNet-50 takes the place of our own network. Stable Diffusion 1.5 ([Rombach et al.
2022](https://arxiv.org/abs/2112.10752)) works otherwise: the photograph is half covered with noise
([Meng et al. 2021](https://arxiv.org/abs/2108.01073)), and the model takes it away again step by step, while it is
shown the style picture by an [IP-Adapter](https://arxiv.org/abs/2308.06721) and told of the style in words.
"""

LIVE_STYLE = """
Two models paint at once, each in any style.

**Strokes taken over piece by piece.** Nothing is trained for a style and nothing is optimised.

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

**A trained network.** One convolutional network paints the whole picture in one pass, several times as fast.

1. **The style is read once.** A small network, ours, looks at it at three depths; the mean and the deviation of each of
   its 344 maps say what the strokes are like.
2. **They set the painting network**: how each of its maps is normalised ([Huang and Belongie
   2017](https://arxiv.org/abs/1703.06868), [Ghiasi et al. 2017](https://arxiv.org/abs/1705.06830)). Two styles are
   mixed by mixing these settings.
3. **The photograph, in the style's palette, goes through it once.** Some noise goes in as well, so that an empty sky
   has strokes; in a video it is always the same noise.

It learned from what the small network sees: the maps of a painted piece shall be distributed as those of the style
(sliced Wasserstein distance), and still say what the photograph shows ([Johnson et al.
2016](https://arxiv.org/abs/1603.08155)). It learned the ten styles that come with Atelier best.
"""
