"""The explanations on the text tasks' pages."""

from __future__ import annotations

PLATES_QUALITY = (
    "OpenALPR test, all characters right: 0.928 of 111 given crops, 0.595 of whole photographs of 360 px "
    "(python -m bench.quality text)"
)

TEXT = """
1. **Find the lines.** A network marks the pixels that belong to text; a threshold that it learned along with them
   separates lines that nearly touch ([differentiable binarisation, Liao et al. 2020](https://arxiv.org/abs/1911.08947)).
   Where the lines are tiny, or none are found, it looks again at an enlarged picture.
2. **Turn the page.** If most long lines stand upright, the page lies on its side; a small network, and where it
   matters the recogniser itself, tells which end is up. A page that is askew is levelled by the angle of its long
   lines. A picture with little contrast is stretched over the whole range of grey first.
3. **Read each line.** A line is cut out, laid flat, scaled to a height of 48 px and read from left to right by a
   network that gives the probability of each of 18,708 characters every 8 px; what repeats, and the blanks between,
   are dropped ([CTC, Graves et al. 2006](https://doi.org/10.1145/1143844.1143891); the networks are
   [PP-OCR, Du et al. 2020](https://arxiv.org/abs/2009.09941), in their sixth version). On a page that is nearly all
   Latin the other characters are then left out: a multiplication sign between words was an x.
4. **Put them in order.** The page is cut along gutters that have running text on both sides, as in the recursive X-Y
   cut ([Nagy and Seth 1984](https://digitalcommons.unl.edu/cseearticles/1)); columns are read one after the other.
   What stands in one row, as on receipts and in tables, stays in one row, with tabs between.

The searchable PDF shows the page as it was given. Over each line lies its text, unseen, in a font of one block, so
that it can be searched, marked and copied in any writing. Pages that have text of their own keep it.

**What it is bad at.** Handwriting, ornamental lettering, writing on curved things, formulas, and text lower than about
8 px. A receipt's row with wide gaps can be read as two pieces in one row, a table with long cells as columns. The
score of a line is the recogniser's own opinion: a confident error is possible.
"""

PLATES = """
1. **Find.** The picture goes to *Object detection*, to its detector of plates. What it is sure enough of is cut out
   with a margin of 8 %.
2. **Straighten.** On the cut-out, enlarged, the largest line of text is looked for ([differentiable binarisation, Liao
   et al. 2020](https://arxiv.org/abs/1911.08947)); its four corners give slant and perspective, which are undone. The
   state's name above it and the dealer's below it stay outside.
3. **Enhance.** The levels are stretched over the whole range, for you to look at and for the line to be found.
4. **Read several times.** The number as it was cut out, a little tighter, and three bands of the plate, one of them
   widened, are read by the same network as documents ([PP-OCR, Du et al. 2020](https://arxiv.org/abs/2009.09941)). It
   may see capitals and digits only; dashes and coats of arms count as gaps.
5. **Vote.** The likeliest texts of each reading are gathered (prefix beam search, [Graves and Jaitly
   2014](https://proceedings.mlr.press/v32/graves14.html)), and each is weighed by its mean likelihood in all readings
   ([CTC, Graves et al. 2006](https://doi.org/10.1145/1143844.1143891)). A text of a form that plates have, such as
   LLL DDDD in Brazil, counts as twenty times likelier: that is what tells an O from a zero, and a coat of arms from a
   letter. Say the country, and only its forms are preferred.

**What it is bad at.** Small plates: below about 60 px in width letters can hardly be told apart. Plates with two rows,
personalised plates that look like no form, plates of other writings. Where the score is low, the second-best reading is
given. A plate says which car it is, not who drove it: mind the law of your country before you collect any.
"""
