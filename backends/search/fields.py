"""The inputs and outputs of the tasks of image search."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from backends.search.files import ENDINGS, PictureFile, some_readable
from studio.contract import Inputs, Outputs, Ui
from studio.errors import InvalidInput
from studio.media.image import Image
from studio.media.table import Table

#: The collection that everybody has: it is filled with example pictures when it is first asked for.
EXAMPLES = "examples"

CollectionName = Annotated[
    str,
    Field(
        title="Collection",
        description="The pictures that are searched together. Yours alone; nobody else sees it.",
        min_length=1,
        max_length=80,
    ),
]


class SearchInputs(Inputs):
    """What to look for in a collection: words, a picture, or both."""

    collection: CollectionName = EXAMPLES
    query: Annotated[
        str,
        Field(
            title="Words",
            description="What is written in the picture, or what it shows. Empty to search by a picture alone.",
            max_length=1_000,
        ),
        Ui(placeholder="a red circle"),
    ] = ""
    example: Annotated[
        Image | None,
        Field(title="More like this", description="An example picture; it need not be in the collection."),
    ] = None
    like: Annotated[
        str,
        Field(
            title="Like one of the collection",
            description="The file name of a picture that is there, in place of an example picture.",
            max_length=400,
        ),
        Ui(advanced=True),
    ] = ""
    results: Annotated[int, Field(title="Results", description="How many pictures at most.", ge=1, le=60)] = 12

    @model_validator(mode="after")
    def _something_asked(self) -> Self:
        if not self.query.strip() and self.example is None and not self.like:
            raise InvalidInput(
                "Say what to look for.",
                field="query",
                expected="words, an example picture, or both",
                got="nothing",
            )
        if self.example is not None and self.like:
            raise InvalidInput(
                "There are two examples.",
                field="like",
                expected="an example picture, or the name of one in the collection",
                got="both",
                hint="Leave one of them empty.",
            )
        return self


class SearchOutputs(Outputs):
    """The pictures that fit best."""

    summary: Annotated[str, Field(title="Found", description="How many pictures were searched, and in which way.")]
    pictures: Annotated[
        list[Image], Field(title="Pictures", description="Best first, each with its file name and score.")
    ]
    results: Annotated[
        Table,
        Field(title="Results", description="The same: rank, file, score, why it is there, and the parts of the score."),
    ]
    notes: Annotated[list[str], Field(title="Notes", description="What makes the result less sure.")]


class AddInputs(Inputs):
    """Pictures for a collection."""

    collection: CollectionName = "My pictures"
    pictures: Annotated[
        list[PictureFile],
        Field(
            title="Pictures",
            description="Picture files, or a zip of them.",
            min_length=1,
            max_length=500,
        ),
        AfterValidator(some_readable),
        Ui(accept=ENDINGS),
    ]
    describe: Annotated[
        bool,
        Field(
            title="Read and describe",
            description="Read the text in each picture and note what is seen, so that words find it. Takes a few "
            "seconds for each picture.",
        ),
    ] = True


class AddOutputs(Outputs):
    """What became of the pictures."""

    message: Annotated[str, Field(title="Result", description="What was done.")]
    collection: Annotated[str, Field(title="Collection", description="The collection's name.")]
    added: Annotated[int, Field(title="Added", description="Pictures added by this call.")]
    pictures: Annotated[int, Field(title="Pictures", description="Pictures of the whole collection.")]
    files: Annotated[
        Table,
        Field(
            title="Files",
            description="Each picture with what became of it: added, known (it was there already) or failed, and why.",
        ),
    ]


class LibraryInputs(Inputs):
    """What to do with your collections."""

    action: Annotated[
        Literal["list", "pictures", "rename", "remove picture", "delete"],
        Field(
            title="Action",
            description="List the collections or the pictures of one, rename one, remove a picture, or delete a "
            "collection.",
        ),
    ] = "list"
    collection: Annotated[
        str, Field(title="Collection", description="The collection; not needed to list them all.", max_length=80)
    ] = ""
    new_name: Annotated[str, Field(title="New name", description="For renaming only.", max_length=80)] = ""
    picture: Annotated[
        str, Field(title="Picture", description="The picture to remove, by its file name there.", max_length=400)
    ] = ""


class LibraryOutputs(Outputs):
    """Your collections, or the pictures of one, after the action."""

    message: Annotated[str, Field(title="Result", description="What was done.")]
    table: Annotated[Table, Field(title="Collections or pictures", description="As they are now. Times are UTC.")]


class DuplicatesInputs(Inputs):
    """Where to look for pictures that are nearly the same."""

    collection: CollectionName = EXAMPLES
    most_bits: Annotated[
        int,
        Field(
            title="Largest difference",
            description="In bits of 64. 0 finds the same picture in another size or quality, more also finds changed "
            "ones, and at last chance likeness.",
            ge=0,
            le=16,
        ),
        Ui(unit="bits"),
    ] = 6


class DuplicatesOutputs(Outputs):
    """Groups of pictures that are nearly the same."""

    message: Annotated[str, Field(title="Result", description="How many groups were found.")]
    pictures: Annotated[
        list[Image], Field(title="Pictures", description="Group by group, each with its group and file name.")
    ]
    table: Annotated[
        Table,
        Field(title="Groups", description="Group, file, and how many bits it differs from the first of its group."),
    ]
