"""Music: four-part chorales composed, continued and harmonised by a network of our own."""

from __future__ import annotations

from pathlib import Path

from backends.music.fields import (
    ContinuationInputs,
    GenerationInputs,
    HarmonisationInputs,
    PieceOutputs,
    SoundOutputs,
    WordsInputs,
)
from studio.contract import Adapter, Example, Task

_EXAMPLES = Path(__file__).parent / "examples"


def _own(name: str, title: str, entry: str, weights: str, nats: str, limits: str) -> Adapter:
    return Adapter(
        name=name,
        title=title,
        entry=f"backends.music.chorale:{entry}",
        weights=weights,
        memory_mb=200,
        licence="AGPL-3.0-or-later",
        source="https://arxiv.org/abs/1809.04281",
        kind="embedded",
        quality=f"JSB chorales, 77 test pieces: {nats} nats per note (python -m bench.quality chorale)",
        limits=limits,
    )


_LIMITS = (
    "Chorales alone: no other style, no words, no fermatas. It looks eight bars back: themes do not return by plan."
)
_LSTM_LIMITS = "For comparison: an LSTM with the same input and output. " + _LIMITS

_HOW = """
1. **A grid.** Time runs in sixteenths; in each, soprano, alto, tenor and bass have a pitch. The network
   gives the probability of each pitch given all before it, from the soprano down, as in [Music
   Transformer](https://arxiv.org/abs/1809.04281) (Huang et al. 2019), and the next one is drawn by it.
2. **A transformer that reads once a sixteenth.** Its attention is [relative](https://arxiv.org/abs/2104.09864): it
   knows how long ago something was, not when. A small network below it adds the four voices one by one. Each pitch is
   said twice, as pitch and as interval, so that a step down is learned once for all pitches.
3. **What it learned from.** 229 chorales of J. S. Bach, each in all twelve keys, none of the test pieces. In part of
   them it was told the key and how far the end is; that is how it can be asked for a key and a length.
{more}
5. **What the grid does not know.** Whether an unchanged pitch is held or struck again. Here a pitch is struck again
   after each half note. The score is in 4/4 throughout, also where the music moves in three.

The table beside a piece counts what a teacher of harmony would mark, and gives the mean of Bach's own pieces for
comparison: he too has crossed voices, and now and then a parallel. One rule is ours and not learned: a pitch that would
carry an octave or a fifth on in parallel is not drawn. Left alone the network writes about four of them in ten bars;
untick *No parallels* to hear it so.
"""

music_generation = Task(
    name="music_generation",
    title="Compose a chorale",
    section="Music",
    summary="Composes for four voices in the manner of Bach's chorales, to see, hear and take away.",
    inputs=GenerationInputs,
    outputs=PieceOutputs,
    examples=(
        Example(title="Sixteen bars", values={"bars": 16, "seed": 7}),
        Example(title="Eight bars in G minor, slow", values={"bars": 8, "key": "G minor", "tempo": 60, "seed": 3}),
        Example(title="Daring", values={"bars": 8, "temperature": 1.3, "top_p": 1.0, "sound": "strings", "seed": 11}),
    ),
    adapters=(
        _own("chorale", "Chorale transformer", "Composing", "chorale", "0.404", _LIMITS),
        _own("lstm", "Chorale LSTM", "Composing", "chorale_lstm", "0.431", _LSTM_LIMITS),
    ),
    how_it_works=_HOW.format(
        more="4. **The end.** The network is told how many bars are left, so the piece closes where it is asked to."
    ),
    keywords=("Bach", "MIDI", "score", "compose", "transformer", "LSTM", "four-part", "harmony"),
)

_FILLING = (
    "4. **Given voices.** Nothing was trained for them. Several versions are written side by side; those under which "
    "the given notes were likely live on, the others are replaced by copies of them ([sequential Monte "
    "Carlo](https://doi.org/10.1049/ip-f-2.1993.0015)). So the network that composes also harmonises, and a harmony "
    "that makes the next melody note unlikely dies out."
)

_FROM_WORDS = """
1. **Sound made small.** An autoencoder has learned to write 48,000 stereo samples a second as 25 vectors of 64 numbers,
   and to make sound of them again ([Oobleck, Evans et al. 2024](https://arxiv.org/abs/2407.14358)).
2. **Words made numbers.** A language network (Qwen3, 0.6 billion numbers) reads the description; the lyrics go through
   an encoder of their own, so that they can be sung in time.
3. **From noise to music.** A diffusion transformer begins with noise in place of the vectors and is asked, step by
   step, in which direction music lies that suits the words ([flow matching, Lipman et al.
   2022](https://arxiv.org/abs/2210.02747)). *Turbo* has been taught by a slower network to need eight steps.

The same words and seed give the same piece on the same device. What it learned from, and what it may be used for, its
publisher says: see the model's card.
"""

music_continuation = Task(
    name="music_continuation",
    title="Continue a piece",
    section="Music",
    summary="Goes on where your file or recording ends, in the manner of Bach's chorales.",
    inputs=ContinuationInputs,
    outputs=PieceOutputs,
    examples=(
        Example(title="A phrase for four voices", values={"score": _EXAMPLES / "phrase.mid", "bars": 8}),
        Example(title="A tune alone", values={"score": _EXAMPLES / "ode.abc", "bars": 4}),
        Example(title="A whistled tune", values={"recording": _EXAMPLES / "whistle.wav", "bars": 4}),
    ),
    adapters=(
        _own("chorale", "Chorale transformer", "Continuing", "chorale", "0.404", _LIMITS),
        _own("lstm", "Chorale LSTM", "Continuing", "chorale_lstm", "0.431", _LSTM_LIMITS),
    ),
    how_it_works=_HOW.format(more=_FILLING),
    keywords=("Bach", "MIDI", "MusicXML", "ABC", "go on", "transcribe"),
)

melody_harmonisation = Task(
    name="melody_harmonisation",
    title="Harmonise a melody",
    section="Music",
    summary="Adds alto, tenor and bass to a melody, in the manner of Bach's chorales.",
    inputs=HarmonisationInputs,
    outputs=PieceOutputs,
    examples=(
        Example(title="Ode to Joy", values={"melody": _EXAMPLES / "ode.mid"}),
        Example(
            title="Typed", values={"abc": "L:1/4\nK:G\nG G A B | G B A2 | G G A B | G2 F2 | G A B c | B A G F | G4 |"}
        ),
    ),
    adapters=(
        _own("chorale", "Chorale transformer", "Harmonising", "chorale", "0.404", _LIMITS),
        _own("lstm", "Chorale LSTM", "Harmonising", "chorale_lstm", "0.431", _LSTM_LIMITS),
    ),
    how_it_works=_HOW.format(more=_FILLING),
    keywords=("Bach", "harmony", "accompaniment", "alto", "tenor", "bass", "SATB", "ABC"),
)

text_to_music = Task(
    name="text_to_music",
    title="Music from words",
    section="Music",
    summary="Music or a song as your words describe it. Its model is large and is downloaded first; until then Compose "
    "a chorale makes music at once.",
    inputs=WordsInputs,
    outputs=SoundOutputs,
    examples=(
        Example(
            title="A waltz", values={"words": "a slow waltz for piano and cello, warm and a little sad", "seconds": 30}
        ),
        Example(
            title="A song",
            values={
                "words": "acoustic folk, female voice, guitar, 90 bpm",
                "lyrics": "[verse]\nThe harbour sleeps, the lights go out\nA single boat turns slow about\n[chorus]\n"
                "Bring me home, bring me home",
                "seconds": 40,
            },
        ),
    ),
    adapters=(
        Adapter(
            name="ace_step_turbo",
            title="ACE-Step 1.5 turbo",
            entry="backends.music.ace_step:AceStep",
            weights="ace_step_turbo",
            memory_mb=13_000,
            licence="MIT",
            source="https://arxiv.org/abs/2602.00744",
            kind="hub",
            devices=("cuda", "cpu"),
            quality="Judged by listeners in its publisher's report; not measured here",
            limits="Long pieces wander. Sung words may be wrong or missing. Exact keys and exact notes. Slow without a "
            "GPU.",
        ),
    ),
    how_it_works=_FROM_WORDS,
    keywords=("ACE-Step", "song", "lyrics", "audio", "diffusion", "text-to-audio", "flow matching"),
)

TASKS = (music_generation, music_continuation, melody_harmonisation, text_to_music)
