"""The explanations on the pages of image search."""

from __future__ import annotations

QUALITY = (
    "More like this, CIFAR-10 test, 5,000 pictures: precision at 10 0.885. Words, 160 SROIE receipts by the name of "
    "the shop: recall at 10 0.958 (python -m bench.quality search)"
)

SEARCH = """
1. **When a picture is added**, it is turned into a vector: the features of our own picture classifier (*Image
   embedding*) or, with a model from the hub, that model's. Its text is read, and what other tasks are sure of is noted
   in sentences (*Image captioning*); each passage gets a vector of its meaning ([Reimers and Gurevych
   2019](https://arxiv.org/abs/1908.10084)).
2. **More like this** compares the example's vector with all others (cosine, by FAISS: [Douze et al.
   2024](https://arxiv.org/abs/2401.08281)).
3. **Words** are compared with what was read and noted: by meaning, and word by word (BM25, [Robertson and Zaragoza
   2009](https://doi.org/10.1561/1500000019), by [SQLite's full-text search](https://sqlite.org/fts5.html)). A model
   from the hub compares words with the pictures themselves.
4. **Both together.** Each kind of evidence is brought to 0..1 over the candidates, and the mean decides ([Bruch et al.
   2023](https://arxiv.org/abs/2210.11934)). Scores are comparable within one search only.

**What it is bad at.** Our classifier knows ten kinds of things: what is none of them is compared by its rough look. A
thing that was neither read nor noted is not found by words: take a model from the hub for those.
"""

ADD = """
Each picture is read, described and embedded once, and stored in one step: what was added before a cancel, or a crash,
stays, and adding the same pictures again takes up where it ended. A picture that is there already, by its pixels, is
passed over.

**What is kept.** The picture as JPEG, its longer side at most 1,024 px, without the camera's notes on place and time;
a small one to be shown; the words and the vectors. All of it lies in one SQLite file in your own folder of the studio.
Your original file is not kept.
"""

LIBRARY = """
Collections are kept in one SQLite file in your own folder of the studio; nobody else's calls can open it. A change is
one transaction: a killed process leaves all of it or nothing. What is deleted is overwritten with zeros, the words in
the index of words too.
"""

DUPLICATES = """
Each picture has a hash of 64 bits: the picture in grey at 32 x 32 px, of whose discrete cosine transform the 64 lowest
frequencies are above their median or not (pHash, [Zauner 2010](https://www.phash.org/docs/pubs/thesis_zauner.pdf)).
Another size, another quality of JPEG or other light change few bits; a mirrored, turned or closely cut picture changes
many and is not found. FAISS compares all pairs.
"""
