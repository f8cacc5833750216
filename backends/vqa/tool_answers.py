"""Answers questions about pictures by programs over the studio's own tasks. Needs no model of its own."""

from __future__ import annotations

from backends.vqa.answer import Answer, refused
from backends.vqa.answers import execute
from backends.vqa.fields import QuestionInputs, QuestionOutputs
from backends.vqa.questions import looks_english, parse, questions_in
from backends.vqa.telling import outputs
from backends.vqa.tools import Tools
from studio.contract import Run
from studio.errors import NotFound
from studio.weights import Weights

_FORMS = (
    "It knows these: What does the sign say? What is the total, the date, the company, the address? How much is the "
    "tea? How many people? Where is the face? What does the licence plate say? How many red cells? What colour is the "
    "picture, the left side? Is it dark, sharp? What is this? Is it a cat? Describe the picture."
)


class ToolAnswers:
    """Questions parsed into programs, and run.

    Args:
        weights, device: not used: the tasks that are asked have their own.
    """

    def __init__(self, weights: Weights, device: str) -> None:
        pass

    def __call__(self, inputs: QuestionInputs, run: Run) -> QuestionOutputs:
        """Answer each question, or refuse it clearly."""
        tools = Tools(inputs.image, run)
        questions = questions_in(inputs.question)
        answers, steps = [], []
        for number, question in enumerate(questions, 1):
            run.progress((number - 1) / len(questions), question[:80])
            answers.append(_answered(question, tools))
            steps += [(number, what, result) for what, result in tools.steps]
            tools.steps.clear()
        return outputs(inputs.image, questions, answers, steps)


def _answered(question: str, tools: Tools) -> Answer:
    program = parse(question)
    if program is None:
        tools.step("parse the question", "its form is not known")
        if not looks_english(question):
            return refused("Questions are understood in English only.", "no common English word is in it")
        return refused("This form of question is not known here.", _FORMS)
    said = [program.goal, *([f"“{program.of}”"] if program.of else []), *([program.where] if program.where else [])]
    tools.step("parse the question", ", ".join(said))
    try:
        return execute(program, tools)
    except NotFound as fault:
        return refused("A task that this needs is not in this studio.", fault.message)
