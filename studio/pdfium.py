"""PDFium is not made for threads, and there is one of it in a process: every family that calls it holds this lock.

See "Thread incompatibility" in https://pypdfium2.readthedocs.io.
"""

from __future__ import annotations

import threading

ONE_AT_A_TIME = threading.Lock()
