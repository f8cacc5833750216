"""The explanations on the pages about drawn scenes."""

from __future__ import annotations

EDITOR = """
What you write is drawn, and a network that sees nothing but the drawing writes what is in it. Both texts stand side by
side, so that it is plain where the network is right.

**The network** is an encoder-decoder of our own. A small convolutional network finds the things in the
picture (96 x 96 px), as [CenterNet](https://arxiv.org/abs/1904.07850) does (Zhou et al. 2019); a decoder writes word by
word, and looks at these things for each word. There are two decoders to choose
from: a transformer ([Vaswani et al. 2017](https://arxiv.org/abs/1706.03762)), and two LSTM layers with attention
between them, in the manner of [Show, Attend and Tell](https://arxiv.org/abs/1502.03044) (Xu et al. 2015).

**What it has never seen.** It learned from drawn scenes only, and of each kind of thing one colour was left out: it
never saw a blue circle or a red heart. It knows each word, but never saw them together. Write one of these, and see
whether it puts them together all the same.

**What it is bad at.** Everything that is no such drawing. Raise the noise above 1 to leave what it has learned from.
"""

DESCRIPTION = """
The same network as in the scene editor, for a picture of yours. How far a picture is from drawn scenes is told from the
network's own features ([Lee et al. 2018](https://arxiv.org/abs/1807.03888)): for a photograph its words mean nothing.
"""

ANSWERING = """
A question about a drawn scene, answered by a transformer in which the question's words and the things that were
found attend to each other (as in [VisualBERT, Li et al. 2019](https://arxiv.org/abs/1908.03557)). It counts, finds,
compares, names, and tells what lies where: *How many red things are there? Is there a small star? Are there more rings
than hearts? What colour is the large diamond? Is there a heart left of the 7? How many things are above the blue ring?*

While it learned, it was also told which things each answer rests on. With the answers alone it had learned to count and
to name, but not what *left of* means.

**What it is bad at.** Every other form of question, whatever its words; and what lies nearly straight above a thing is
neither left nor right of it, which was never asked.
"""
