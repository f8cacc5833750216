"""The explanations on the document tasks' pages."""

from __future__ import annotations

_SEARCH = """
1. **Find.** Each passage is a vector of an embedding model ([Reimers and Gurevych
   2019](https://arxiv.org/abs/1908.10084)) and a bag of stems. The question's nearest vectors come from FAISS ([Douze
   et al. 2024](https://arxiv.org/abs/2401.08281)): all are compared up to 20,000 passages, beyond that a graph is
   walked ([HNSW, Malkov and Yashunin 2018](https://arxiv.org/abs/1603.09320)), beyond two million cells are probed.
   The best by words come from BM25 ([Robertson and Zaragoza 2009](https://doi.org/10.1561/1500000019), by
   [bm25s](https://arxiv.org/abs/2407.03618)).
2. **Fuse.** The cosine and the share of the best BM25 score are added. Then the five best passages lend the question
   their vector ([Rocchio 1971](https://sigir.org/files/museum/pub-08/XXIII-1.pdf)) and their most telling stems
   ([RM3, Lavrenko and Croft 2001](https://doi.org/10.1145/383952.383972)), and all candidates are scored again. The
   first of the first round stays first.
"""

CHAT = f"""{_SEARCH.rstrip()}
3. **Read.** Every sentence of the five passages is weighed: its meaning, alone and word by word within its passage
   (the late interaction of [ColBERT, Khattab and Zaharia 2020](https://arxiv.org/abs/2004.12832)), the words and word
   pairs it shares with the question, and whether it has what is asked for: a number, a date, a name, a place, a
   reason. A linear model with 16 weights, fitted to questions of [XQuAD](https://arxiv.org/abs/1910.11856), decides.
4. **Answer, or refuse.** The best sentence is marked between its neighbours; others that may answer too follow. If
   the passages are not about the question, the answer is that the documents don't say. That bound was calibrated on
   questions asked to collections that cannot answer them.

**A language model instead.** Another server's, or a small one on this machine: it gets the rules, the last turns, and
the passages between marks that are drawn anew for each call. It has no tools. What it says is shown with the sources
that it cites, without links and pictures, and a statement without a source is pointed out.

**Follow-ups.** "And who built it?" is searched together with the names and words of the turns before; what was
searched is shown.

**What it is bad at.** It quotes and does not reason: nothing is added up, compared or summarised, and an answer that
is spread over several passages is not put together. A wrong sentence of the right passage is its most common mistake:
look at the marked place. It was made for English.

Text in documents is data. Instructions in it are not followed, pictures and links in it are not loaded.
"""

RANKING = """
**MiniLM** makes a vector of each text on its own and compares it with the question's: quick, and texts can be embedded
beforehand. **A cross-encoder** ([Nogueira and Cho 2019](https://arxiv.org/abs/1901.04085)) reads question and text
together, word against word: slower, and usually better at the first places. Its scores are comparable for one question
only.
"""

INDEX = """
Each file is read by the library made for its format: PDF by
[PDFium](https://pdfium.googlesource.com/pdfium/), Word and PowerPoint by python-docx and python-pptx, HTML by Lexbor,
Markdown by markdown-it-py; EPUB chapters are HTML. A CSV's rows become lines that repeat the columns' names. Pages of
a PDF that are only a picture are read by the task for text in pictures, where the studio has it.

The text is cut into passages of whole sentences that overlap; none crosses a page or a heading. Each keeps its
document, page, characters and headings. Passages are embedded, and everything is stored in your own folder: one
SQLite file ([write-ahead log](https://sqlite.org/wal.html)) and the search index, which is written beside the old one
and put in its place in one step, so that a crash leaves the one or the other. A new file is added to the index
without making it anew. A file that is there already, by its SHA-256, is passed over.

**Limits.** 2,000 pages, 10 million characters, 200,000 rows of a table, and the studio's limits on bytes and
archives. A file beyond one, or damaged, or locked with a password, is named with the reason; the others are added.
"""

LIBRARY = """
Collections and chats are kept in one SQLite file in your own folder of the studio; nobody else's calls
can open it. A change is one transaction: a killed process leaves all of it or nothing. What is deleted is overwritten
with zeros, and the files that no collection holds any more are removed.
"""

PAGE = """
A citation names a document, a page, and the characters of the page's text. Of a PDF the page is drawn with the place
marked; of other formats the passage is shown in bold with the text around it.
"""

SEARCH = f"""{_SEARCH}
The relevance is a logistic model of two figures: the cosine of the nearest passage, and the
share of the question's words, by rarity, that stand in one passage.
"""

EVALUATION = """
Each question is asked in both ways. **hit@k**: the file is among the first k. **nDCG@10** ([Järvelin
and Kekäläinen 2002](https://doi.org/10.1145/582415.582418)) counts a later rank less. **Answer in the quote**: the
words of a right answer stand in the marked sentence. **F1** compares the words of both, as SQuAD does ([Rajpurkar et
al. 2016](https://arxiv.org/abs/1606.05250)); a whole sentence around a short answer keeps it low. **Refused**: the
share of questions that the documents don't answer.

Another passage length means that the collection is embedded again, into a copy that is removed with the call. With
fewer than about a hundred questions small differences are chance.
"""

EMBEDDING = """
A transformer reads the text; the mean of its word pieces' vectors is one vector of unit length
([Reimers and Gurevych 2019](https://arxiv.org/abs/1908.10084)). The cosine of two such vectors says how alike two
texts are in meaning. Longer texts than the model reads are cut, and the result says so.
"""
