"""The endings of the files that can be added; a declaration needs them without the parsers."""

from __future__ import annotations

#: Ending to the format it stands for.
FORMATS = {
    ".pdf": "pdf",
    ".docx": "docx",
    ".pptx": "pptx",
    ".epub": "epub",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".md": "markdown",
    ".markdown": "markdown",
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "text",
    ".text": "text",
    ".log": "text",
    ".rst": "text",
}
#: What a form offers.
ENDINGS = tuple(FORMATS)
