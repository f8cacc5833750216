"""What goes into the music tasks, and what comes out of them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from studio.contract import Inputs, Outputs, Ui
from studio.media.audio import Audio
from studio.media.file import File
from studio.media.image import Image
from studio.media.table import Table

SCORES = (".mid", ".midi", ".musicxml", ".xml", ".mxl", ".abc")

Key = Literal[
    "any", "C major", "G major", "D major", "A major", "E major", "B-flat major", "F major", "E-flat major",
    "A-flat major", "A minor", "E minor", "B minor", "F-sharp minor", "D minor", "G minor", "C minor", "F minor",
]  # fmt: skip
Sound = Literal["organ", "choir", "strings", "piano"]

Tempo = Annotated[
    int, Field(title="Tempo", description="Quarter notes a minute.", ge=40, le=160), Ui(unit="bpm", step=2)
]
Temperature = Annotated[
    float,
    Field(
        title="Temperature",
        description="Below 1 the network keeps to what is likely, above 1 it dares more.",
        ge=0.3,
        le=1.5,
    ),
    Ui(step=0.05, advanced=True),
]
TopP = Annotated[
    float,
    Field(
        title="Top p",
        description="Notes are drawn from the likeliest that together have this probability.",
        ge=0.5,
        le=1,
    ),
    Ui(step=0.01, advanced=True),
]
Strict = Annotated[
    bool,
    Field(
        title="No parallels",
        description="No voice goes on in octaves or fifths with another, which Bach hardly ever wrote.",
    ),
    Ui(advanced=True),
]
Seed = Annotated[
    int,
    Field(title="Seed", description="The same seed and settings give the same piece.", ge=0, le=2**31 - 1),
    Ui(advanced=True),
]
SoundField = Annotated[Sound, Field(title="Sound", description="Played by FluidSynth where it is installed.")]


class GenerationInputs(Inputs):
    """What to compose."""

    bars: Annotated[int, Field(title="Length", description="Bars of four quarters.", ge=2, le=64), Ui(unit="bars")] = 16
    key: Annotated[Key, Field(title="Key", description="The key to compose in.")] = "any"
    tempo: Tempo = 76
    sound: SoundField = "organ"
    upbeat: Annotated[
        bool,
        Field(title="Upbeat", description="Begin with a quarter before the first bar line, as most of Bach's do."),
        Ui(advanced=True),
    ] = True
    temperature: Temperature = 0.95
    top_p: TopP = 0.98
    strict: Strict = True
    seed: Seed = 7


class ContinuationInputs(Inputs):
    """A beginning, as a file or a recording, and how far to go on."""

    score: Annotated[
        File | None,
        Field(
            title="Beginning",
            description="MIDI, MusicXML or ABC, at most 64 bars of it are read. Fewer than four voices are filled up.",
        ),
        Ui(accept=SCORES),
    ] = None
    recording: Annotated[
        Audio | None,
        Field(title="Or a recording", description="One voice, sung, whistled or played; at most 60 s."),
    ] = None
    bars: Annotated[
        int, Field(title="Continue for", description="Bars of four quarters.", ge=1, le=32), Ui(unit="bars")
    ] = 8
    tempo: Tempo = 76
    sound: SoundField = "organ"
    temperature: Temperature = 0.95
    top_p: TopP = 0.98
    strict: Strict = True
    seed: Seed = 7


class HarmonisationInputs(Inputs):
    """A melody, as a file or typed."""

    melody: Annotated[
        File | None,
        Field(title="Melody", description="MIDI, MusicXML or ABC; the highest voice counts, at most 64 bars of it."),
        Ui(accept=SCORES),
    ] = None
    abc: Annotated[
        str,
        Field(
            title="Or typed",
            description="ABC notation: C D E F G A B c d e, a number for longer notes, ^ sharp, _ flat. K: is the key, "
            "L: the length of a plain letter.",
            max_length=5_000,
        ),
        Ui(lines=4, placeholder="L:1/4\nK:G\nG A B G | d2 B2"),
    ] = ""
    tempo: Tempo = 76
    sound: SoundField = "organ"
    temperature: Temperature = 0.9
    top_p: TopP = 0.95
    strict: Strict = True
    seed: Seed = 7


class PieceOutputs(Outputs):
    """A piece for four voices, to see, to hear and to take away. What is not made yet is empty."""

    verdict: Annotated[str, Field(title="Piece", description="Length, key and duration in words.")]
    key: Annotated[str, Field(title="Key", description="As its notes suggest (Krumhansl and Kessler 1982).")]
    bars: Annotated[int, Field(title="Bars", description="Bars of four quarters, the last one whole.")]
    seconds: Annotated[float, Field(title="Duration", description="At the chosen tempo."), Ui(unit="s")]
    roll: Annotated[
        Image,
        Field(title="Piano roll", description="Time to the right, pitch upwards, a colour for each voice."),
        Ui(wide=True),
    ]
    audio: Annotated[Audio | None, Field(title="Sound", description="The piece as it sounds.")] = None
    score: Annotated[
        Image | None,
        Field(title="Score", description="Soprano and alto above, tenor and bass below."),
        Ui(wide=True),
    ] = None
    report: Annotated[
        Table | None,
        Field(title="Voice leading", description="What a teacher would mark, beside the same in Bach's chorales."),
    ] = None
    midi: Annotated[File | None, Field(title="MIDI", description="Four tracks, one for each voice.")] = None
    musicxml: Annotated[File | None, Field(title="MusicXML", description="For notation programs.")] = None
    notes: Annotated[
        list[str], Field(title="Notes", description="What was done to the input, and what a teacher would mark.")
    ]


class WordsInputs(Inputs):
    """Words about a piece of music that is to be made."""

    words: Annotated[
        str,
        Field(
            title="Description",
            description="Style, instruments, mood, tempo. English is understood best.",
            min_length=1,
            max_length=500,
        ),
        Ui(lines=3, placeholder="a slow waltz for piano and cello, warm and a little sad"),
    ]
    lyrics: Annotated[
        str,
        Field(
            title="Lyrics",
            description="Words to sing, one line each; [verse] and [chorus] on lines of their own part them. Without "
            "any it is instrumental.",
            max_length=2_000,
        ),
        Ui(lines=4, placeholder="[verse]\n..."),
    ] = ""
    seconds: Annotated[int, Field(title="Length", ge=5, le=120), Ui(unit="s", step=5)] = 30
    seed: Seed = 7


class SoundOutputs(Outputs):
    """A piece of music as sound. What is not made yet is empty."""

    summary: Annotated[str, Field(title="Piece", description="Length and format.")]
    audio: Annotated[Audio, Field(title="Sound", description="The piece, to hear and to take away as WAV.")]
    notes: Annotated[list[str], Field(title="Notes", description="What was left out, and what took long.")]
