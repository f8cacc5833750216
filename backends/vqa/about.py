"""The explanation on the page of visual question answering."""

from __future__ import annotations

QUALITY = (
    "SROIE receipts, 40 test pictures: total right 0.975, date 0.900, company 0.875 (python -m bench.quality receipts)"
)

ANSWERING = """
**Tools** has no network of its own. A question is parsed into a small program over other tasks of the studio; the
program, its results and the places in the picture are shown, so that an answer can be checked
(in the manner of [neural module networks, Andreas et al. 2016](https://arxiv.org/abs/1511.02799), and [ViperGPT, Surís
et al. 2023](https://arxiv.org/abs/2303.08128), with written rules in place of the networks that write programs there).

- **Text**: what a sign says, whether a word is there, how many lines.
- **Receipts**: total, date, company, address, and the price of an item. The text's rows are put together by the places
  of its lines. For the total each amount is weighed by the words beside it (total, rounded, cash, change, tax), by
  being the cash less the change, by its place; for the date by its form and the word beside it; the company is the name
  above the address.
- **People** are counted by their faces. Who they are is not told.
- **Licence plates** and **blood cells** are found by their detectors.
- **Colours, light, size** are measured, of the whole or of a side.
- **What it is**: the classifier of ten kinds, where it is sure.

Everything else is refused: nothing here finds cars, dogs on the left, or what somebody is doing.

**BLIP** ([Li et al. 2022](https://arxiv.org/abs/2201.12086)) is a network that was trained on questions about everyday
photographs. It answers whatever is asked, in a word or two, and shows nothing that its answer rests on.

**What the tools are bad at.** The rules for receipts were written with receipts of Malaysia and may miss other
customs. A form of words that was not thought of is refused though the answer may be there: ask more simply.
"""
