"""The explanations on the captioning tasks' pages."""

from __future__ import annotations

CAPTION = """
**Observations** are no network that was taught to write. Each sentence is made from a measurement and can be followed
back to it:

1. **Form, colours, light** are computed: see *Colours and light*.
2. **Faces** are those that *Face identification* finds. Who they are is not said, whoever is enrolled.
3. **Text** is what *Text recognition* reads with a confidence of at least 0.7.
4. **A thing** is named where our *Image classification*, which knows ten kinds, is at least 0.9 sure and the picture is
   well within what it is familiar with: of 300 everyday photographs it then names one.
5. **Finds** are those of our detectors of blood cells and licence plates, with at least 0.5, where the picture is like
   those that they learned from.

The numbers in the picture are those of the sentences. What none of these tasks knows is not said: of most everyday
photographs that is the main thing.

**BLIP** ([Li et al. 2022](https://arxiv.org/abs/2201.12086)) is a network that learned to write captions. Several
beginnings of a sentence are followed at once (beams), or words are drawn by chance. For each word the picture is shown
bright where the network looked: the mean over the layers and heads of its attention to the picture.

**Florence-2** ([Xiao et al. 2024](https://arxiv.org/abs/2311.06242)) is asked for a sentence, several, or a paragraph.

**BLIP-2** ([Li et al. 2023](https://arxiv.org/abs/2301.12597)) lets 32 queries look at the picture and a large language
model, OPT, go on from what they saw. For each word is bright what the queries looked at that the word looked at.

**Scenes** is a small network of our own for drawn scenes: see *Scene editor*.

**What observations are bad at.** They tell no scenes, actions or relations. The classifier takes some pictures of other
things for one of its ten kinds: hence "takes it for".
"""

MEASURES = """
**Colours.** The picture is shrunk to 96 px, and each pixel gets the name of the nearest of 23 colours in
[CIELAB](https://en.wikipedia.org/wiki/CIELAB_color_space), where distances are about those that people see. The names
are the eleven basic colour words of English ([Berlin and Kay
1969](https://en.wikipedia.org/wiki/Basic_Color_Terms)) and what people add to them.

**Light.** Lightness is L*, contrast its standard deviation. Sharpness is the spread of the Laplacian, which answers to
the finest edges ([Pech-Pacheco et al. 2000](https://doi.org/10.1109/ICPR.2000.903548)), over the spread of the grey
levels, so that a flat picture is not taken for a blurred one.

No white balance is guessed: a white wall in evening light is beige.
"""
