"""Finding the files of a tree: every regular file below some paths, folder by folder, as far as a selection wants it.

Invariants: no link is followed and no file system left; a folder that is exchanged meanwhile is never taken for another
one; what cannot be looked at is said. It opens folders only, and looks at no file's bytes.
"""

from sampler.walk.selection import Selection
from sampler.walk.walking import Found, NotWalked, Walked, walk

__all__ = ["Found", "NotWalked", "Selection", "Walked", "walk"]
