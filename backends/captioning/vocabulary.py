"""BART's words, which several networks that write share: pieces of bytes, a space before a word being part of it."""

from __future__ import annotations

from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers

#: The first numbers: begin, padding, end, unknown.
BEGIN, PAD, END = range(3)
_SPACE = "Ġ"  # how the files write the space before a word


class Vocabulary:
    """Turns text into numbers and back.

    Args:
        vocabulary, merges: the files `vocab.json` and `merges.txt`.
    """

    def __init__(self, vocabulary: Path, merges: Path) -> None:
        self._tokenizer = Tokenizer(models.BPE.from_file(str(vocabulary), str(merges)))
        self._tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        self._tokenizer.decoder = decoders.ByteLevel()

    def __len__(self) -> int:
        """How many pieces there are; a network may know more numbers, which are no text."""
        size: int = self._tokenizer.get_vocab_size()
        return size

    def numbers(self, text: str) -> list[int]:
        """The numbers of a text's pieces, with no beginning and no end."""
        numbers: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return numbers

    def text(self, numbers: list[int]) -> str:
        """What was written, without what is no text."""
        written = [number for number in numbers if END < number < len(self)]
        text: str = self._tokenizer.decode(written, skip_special_tokens=False)
        return text.strip()

    def piece(self, number: int) -> tuple[str, bool] | None:
        """A piece's text and whether a word begins with it; None for what is no text."""
        piece = self._tokenizer.id_to_token(number)
        if number <= END or piece is None:
            return None
        return self.text([number]), piece.startswith(_SPACE)
