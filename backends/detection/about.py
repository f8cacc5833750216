"""How the family's tasks work, in words, and what was measured."""

from __future__ import annotations

CELLS_QUALITY = "BCCD test, 72 pictures: mAP50 0.903 (python -m bench.quality cells)"
STEEL_QUALITY = "NEU-DET test, 360 pictures: mAP50 0.788 (python -m bench.quality steel)"
PLATES_QUALITY = "OpenALPR test, 111 pictures: mAP50 0.987 (python -m bench.quality plates)"

OBJECT_DETECTION = """
1. **One look.** The picture is scaled and padded to the size that the network learned at. A convolutional network turns
   it into maps of features at three scales: fine ones for small things, coarse ones for large things.
2. **A guess everywhere.** At each place of each map the network says, for every class it knows, how sure it is, and
   where the four edges of a box would be ([YOLO, Redmon et al. 2016](https://arxiv.org/abs/1506.02640)). The
   specialists here are YOLO11n of [Ultralytics](https://docs.ultralytics.com/models/yolo11/), 2.6 million numbers,
   which describes each edge by a distribution ([Li et al. 2020](https://arxiv.org/abs/2006.04388)).
3. **One box for each thing.** Neighbouring places see the same thing. Of boxes of one class that overlap, the surest
   stays (non-maximum suppression). Detection transformers ([DETR, Carion et al.
   2020](https://arxiv.org/abs/2005.12872); [RT-DETRv2](https://arxiv.org/abs/2407.17140);
   [D-FINE](https://arxiv.org/abs/2410.13842)) and YOLO26 learn to answer once for each thing, and skip this step.
4. **A second look.** Of steel defects, which have no up or down and no size of their own, a picture is also read
   mirrored and in other sizes, by four networks. What overlaps is one thing: its edges are the means of theirs,
   weighted by their scores, and what few of the looks saw counts less (weighted boxes fusion, [Solovyev et al.
   2021](https://arxiv.org/abs/1910.13302)). That takes many times the time, so a frame of a video or a webcam is read
   by one network at one size.
5. **Does it know this kind of picture?** A specialist answers anything it is shown. So it also compares the picture's
   mean features with those of its training pictures (their Mahalanobis distance, [Lee et al.
   2018](https://arxiv.org/abs/1807.03888)), and says when they are far from all it has seen.

**How good is a detector?** A box counts as right if it overlaps a true one by half (intersection over union of 0.5).
Going down the scores, precision is drawn over recall; the area under that curve, averaged over the classes, is the
**mAP50**. mAP50-95 averages it over stricter overlaps, up to 0.95.

**What they are bad at.** Each knows its classes alone: to a detector of blood cells, a street is a badly stained smear.
The confidence is no probability; 0.25 is a habit. Things that touch, things cut off by the border and things much
smaller than in the training pictures are missed first.
"""

VIDEO_DETECTION = """
1. **Find.** Each frame is a picture, and is read as one: see *Object detection*.
2. **Follow.** Where a thing will be next is predicted from how it moved (a [Kalman filter,
   1960](https://doi.org/10.1115/1.3662552)); the box that overlaps the prediction best is the same thing. Faint boxes
   may go on with a track that a clear one began, so that a thing half hidden is not lost
   ([ByteTrack, Zhang et al. 2022](https://arxiv.org/abs/2110.06864)). What is out of sight for longer than you say
   gets a new number when it comes back.
3. **Count.** A track crosses a line when the middle of its box goes from one side to the other; *in* is where the
   line's arrow points, to the left of the way in which it was drawn. It is inside a zone as long as the middle of its
   box is. Each track counts once for a zone, however long it stays.
4. **Write.** Frames are drawn and encoded as they come (H.264 in MP4, the index in front): a long video takes longer,
   not more memory. Frames keep their own times, so that a video of changing frame rate plays as it was recorded; a
   phone's rotation is applied.

**What it is bad at.** All that the detector is bad at; things that cross each other, are hidden for long, or move
farther than their own size from one frame to the next get new numbers. So the number of tracks is rather too large than
too small: count at a line where the view is clear.
"""

OPEN_VOCABULARY = """
1. **Words become numbers.** What you look for is read by a language network, so that it need not be among the classes
   of any list.
2. **The picture too.** [OWLv2 (Minderer et al. 2023)](https://arxiv.org/abs/2306.09683) cuts the picture into small
   squares, gives each a box and a vector, and compares the vectors with those of your phrases; it learned first from
   pictures with captions, then from a billion boxes that its predecessor had drawn. [Grounding DINO (Liu et al.
   2023)](https://arxiv.org/abs/2303.05499) lets the words and the picture look at each other in every layer; each of
   its 900 guesses points to the words that it is about.
3. **One box for each thing.** A box gets the phrase that suits it best. Of boxes of one phrase that overlap, the surest
   stays.

Each phrase should name one kind of thing, with what tells it from others: *a red cup*, not *cups on the left*. Scores
of different phrases, and of the two models, cannot be compared: start at 0.2 and move the least confidence.
"""
