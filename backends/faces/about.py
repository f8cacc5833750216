"""The explanations on the face tasks' pages."""

from __future__ import annotations

_METHOD = """
1. **Find.** Histograms of oriented gradients and a linear classifier slide over the picture at many scales ([Dalal
   and Triggs 2005](https://doi.org/10.1109/CVPR.2005.177), as in [dlib, King
   2009](https://jmlr.org/papers/v10/king09a.html)). Where they find nothing, a small convolutional network looks
   again ([King 2015](https://arxiv.org/abs/1502.00046)).
2. **Align.** An ensemble of regression trees marks five points, the corners of the eyes and the base of the nose
   ([Kazemi and Sullivan 2014](https://doi.org/10.1109/CVPR.2014.241)); by these the face is turned upright and
   scaled to 150 x 150 px.
3. **Embed.** A residual network with 29 convolutional layers ([He et al. 2016](https://arxiv.org/abs/1512.03385))
   turns the face into 128 numbers. It was trained so that pictures of one person lie close together and those of
   different people far apart, the idea of [FaceNet (Schroff et al. 2015)](https://arxiv.org/abs/1503.03832).
"""

_LIMITS = """
**What it is bad at.** Children, relatives and twins; profile views, masks and large sunglasses; people
under-represented in the pictures it was trained on: error rates differ between groups of people. A photograph held
into the camera passes like a face: there is no check for a living person. Do not use it for decisions about people.
"""

VERIFICATION = f"""
{_METHOD}
4. **Compare.** The straight distance between two embeddings is measured against the threshold. Up to it the verdict
   is "the same person". Lower thresholds accept fewer strangers and reject more true pairs; the task *Face
   threshold* shows this for your own pictures.

Of several faces in a picture the largest is compared. Small, blurred, turned, dark or bright faces get a note: the
bounds are where the share of missed pairs has clearly risen in a measurement with degraded pictures; only the one for
turned faces was set by eye.
{_LIMITS}"""

IDENTIFICATION = f"""
{_METHOD}
4. **Name.** Each face is compared with every enrolled photograph. The nearest person within the threshold gives the
   name; a face that is near to nobody stays *unknown*. The more people are enrolled, the likelier it is that a
   stranger is near to one of them.

Your gallery belongs to you alone: it is one file in your own folder of the studio, survives a restart, and can be
emptied by you. Stored are, per photograph, the cut-out face, its embedding and the time of the consent; deleting a
person overwrites them.
{_LIMITS}"""

ENROLMENT = f"""
A photograph is taken if it shows exactly one face. Its cut-out with a margin, its embedding and the time of the
consent are stored in your own gallery, all photographs of a call in one step. Enrolling under a name that exists
adds to that person; a photograph that is enrolled already is passed over.
{_METHOD}{_LIMITS}"""

GALLERY = """
Your gallery is one SQLite file in your own folder of the studio; nobody else's calls can open it. A change is one
transaction: a killed process leaves all of it or nothing. What is deleted is overwritten with zeros. Names are
compared without regard to capital letters.
"""

THRESHOLD = f"""
Every picture is embedded once, every pair gets its distance, and every threshold its two rates: the **true accept
rate** (pairs of one person taken for one person) and the **false accept rate** (pairs of different people taken for
one person). The curve of both is the ROC ([Fawcett 2006](https://doi.org/10.1016/j.patrec.2005.10.010)). The chosen
threshold is the largest that keeps to the wished false accept rate on your pairs; the equal error rate is where as
many pairs are wrongly accepted as wrongly rejected.

**The zip** has one of two forms:

- a `pairs.csv` with the columns `first`, `second` and `same`, and the pictures. File names are relative to the
  `pairs.csv`; `same` is 1 (also yes, true) or 0 (no, false).
- two folders, `same` and `different`. Each pair is two pictures whose names differ in the last letter:
  `same/01_a.jpg` and `same/01_b.jpg`, `different/01_a.jpg` and `different/01_b.jpg`, and so on.

**How many pairs.** If none of *n* pairs of different people is accepted, the true rate may still be as high as 3 /
*n* (rule of three, 95 % confidence): to show one in a hundred takes 300 pairs, one in a thousand 3,000.
{_METHOD}{_LIMITS}"""
