"""Sentences, passages, follow-ups, what is asked for, and figures."""

from __future__ import annotations

import pytest

from backends.documents.asked import answers_kind, kind_of
from backends.documents.chunking import chunks
from backends.documents.followup import Said, leans, standalone
from backends.documents.measures import best_f1, contains, f1, ndcg
from backends.documents.parsers.parsed import Heading, Page
from backends.documents.places import escaped, in_context
from backends.documents.sentences import sentences


def split(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("Dr. Smith met J. R. Hill at 5 p.m. then. Why?", ["Dr. Smith met J. R. Hill at 5 p.m. then.", "Why?"]),
        ("It costs 3.50 euros. Cheap.", ["It costs 3.50 euros.", "Cheap."]),
        ("He said \"Stop.\" Then he left.", ["He said \"Stop.\"", "Then he left."]),
        ("a wing in a slipstream . it is laminar . end", ["a wing in a slipstream .", "it is laminar .", "end"]),
        ("Title\n\nText of it\ngoes on. More.", ["Title", "Text of it\ngoes on.", "More."]),
        ("Things:\n- one\n- two\n3. three", ["Things:", "- one", "- two", "3. three"]),
        ("See fig. 3 and eq. 4 there. Yes.", ["See fig. 3 and eq. 4 there.", "Yes."]),
        ("これは文です。次の文です。", ["これは文です。", "次の文です。"]),
        ("", []),
        (" \n\n . ", ["."]),
    ],
)  # fmt: skip
def test_sentences(text: str, expected: list[str]) -> None:
    assert split(text) == expected


def test_sentences_of_a_part_keep_their_places_in_the_whole() -> None:
    text = "Before. One. Two. After."
    assert [text[a:b] for a, b in sentences(text, 8, 17)] == ["One.", "Two."]


def count(texts: list[str]) -> list[int]:
    return [len(text.split()) for text in texts]


def test_passages_are_whole_sentences_that_overlap() -> None:
    text = " ".join(f"Sentence number {n} here." for n in range(10))  # 4 tokens each
    made = list(chunks([Page(None, text)], count, size_tokens=12, overlap_tokens=4))
    assert [text[c.start : c.end] for c in made[:2]] == [
        "Sentence number 0 here. Sentence number 1 here. Sentence number 2 here.",
        "Sentence number 2 here. Sentence number 3 here. Sentence number 4 here.",
    ]
    assert text[made[-1].start : made[-1].end].endswith("number 9 here.")
    assert all(c.tokens <= 12 for c in made)


def test_no_passage_crosses_a_page_or_a_heading() -> None:
    pages = [Page(1, "A.\n\nTop\n\nB. C.", (Heading(4, ("Top",)),)), Page(2, "D.", (Heading(0, ("Top",)),))]
    made = [(c.page, pages[c.page].text[c.start : c.end], c.headings) for c in chunks(pages, count, 100, 20)]
    assert made == [(0, "A.", ()), (0, "Top\n\nB. C.", ("Top",)), (1, "D.", ("Top",))]


def test_a_sentence_longer_than_a_passage_is_cut_between_words() -> None:
    text = " ".join(f"word{n}" for n in range(1_000))
    made = list(chunks([Page(None, text)], count, 30, 0))
    assert all(c.tokens <= 30 for c in made)
    assert " ".join(text[c.start : c.end] for c in made) == text
    blank = "x" * 5_000
    cut = list(chunks([Page(None, blank)], count, 30, 0))
    assert cut[0].start == 0
    assert cut[-1].end == 5_000


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How many members were there?", "number"), ("What is the total price?", "number"), ("When was it?", "date"),
        ("In what year was it built?", "date"), ("Who repairs the roof?", "person"), ("Where do they meet?", "place"),
        ("Which city hosted it?", "place"), ("Why is it closed?", "reason"), ("What is the team called?", "name"),
        ("What is a kiln?", "other"),
    ],
)  # fmt: skip
def test_what_a_question_asks_for(question: str, kind: str) -> None:
    assert kind_of(question) == kind


def test_a_sentence_has_what_is_asked_for() -> None:
    assert answers_kind("It has 31 members.", "number", {"members"}) > answers_kind("It has members.", "number", set())
    assert answers_kind("It opened in 1954.", "date", set()) == 1
    assert answers_kind("It opened in 1954.", "date", {"1954"}) < 1
    assert answers_kind("The work is done by Kessler Roofing.", "person", {"roof"}) == 1
    assert answers_kind("nobody knows it", "person", set()) == 0


def said(question: str, answer: str = "") -> Said:
    return Said(question, answer)


FOLLOW_UPS = [
    ("And who built it?", "When was the Eiffel Tower finished?", "Eiffel Tower"),
    ("How long does it take?", "When does the repair of the roof begin?", "roof"),
    ("What about guests?", "What does a firing cost for members?", "firing"),
    ("Why?", "Is the wood shop closed in June?", "wood shop"),
    ("Where was he born?", "Who was Nikola Tesla?", "Nikola Tesla"),
    ("And the next one?", "When was the members' meeting?", "meeting"),
]


@pytest.mark.parametrize(("question", "before", "wanted"), FOLLOW_UPS)
def test_a_follow_up_is_searched_with_what_it_refers_to(question: str, before: str, wanted: str) -> None:
    assert leans(question)
    searched = standalone(question, [said(before)])
    assert searched.startswith(question)
    assert set(wanted.split()) <= set(searched.replace("(", " ").replace(")", " ").split())


@pytest.mark.parametrize(
    "question",
    [
        "What does a firing of stoneware cost for guests?",
        "Who repairs the roof of the main hall?",
        "When did Marie Curie receive her second Nobel Prize?",
        "Which machines may only be used after an introduction?",
    ],
)
def test_a_question_that_stands_on_its_own_is_left_alone(question: str) -> None:
    assert standalone(question, [said("Who was Nikola Tesla?", "Tesla was an inventor.")]) == question


def test_nothing_is_added_where_nothing_was_said() -> None:
    assert standalone("And who built it?", []) == "And who built it?"


def test_the_names_of_the_answer_are_carried_over() -> None:
    assert "Gustave" in standalone(
        "When was he born?", [said("Who built the tower?", "It was built by Gustave Eiffel.")]
    )


def test_figures_of_answers() -> None:
    assert contains("It reaches 1,280 °C at most.", "1,280 °C")
    assert not contains("It reaches 12800 °C.", "1,280")
    assert f1("the cat sat", "a cat sat") == 1
    assert f1("cat", "dog") == 0
    assert best_f1("The red cat", ["dog", "red cat"]) == 1


def test_ndcg_by_hand() -> None:
    assert ndcg([True, False, True], 2) == pytest.approx((1 + 0.5) / (1 + 1 / 1.584962500721156))
    assert ndcg([False] * 10, 3) == 0
    assert ndcg([True], 0) == 0


def test_a_place_in_context_shows_the_text_as_it_is() -> None:
    text = "Before it [link](http://a.example). The *very* place. After it."
    shown = in_context(text, text.index("The"), text.index(" After"))
    assert "**The \\*very\\* place.**" in shown
    assert "](http" not in shown
    assert escaped("# a <b>") == "\\# a \\<b\\>"
