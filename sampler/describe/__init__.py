"""Reads the facts about an object that its content, its file, its process and its host tell, under their ECS names.

It owns the content's kind, decided by content and never by name, and the text of every fact: bounded, without what
cannot be printed. What cannot be read is left out, never guessed. ``quick_type`` tells any file's type in microseconds.
``classify``, ``entropy_fields`` and ``similarity_fields`` run in the sandboxed child, which loads the libraries for
them; everything else runs in the parent, parses no content, and never says what may leave the host.
"""

from sampler.describe.activity import activity_fields
from sampler.describe.agreement import agreement_fields
from sampler.describe.content import ContentFacts, classify, describe_content
from sampler.describe.content_data import Data
from sampler.describe.entropy import entropy_fields
from sampler.describe.file import file_fields, owner_class, owner_of
from sampler.describe.file_words import FILE_WORDS, file_type_word
from sampler.describe.hashes import hash_fields
from sampler.describe.host import host_fields
from sampler.describe.libmagic import load_libmagic
from sampler.describe.origin import origin_fields
from sampler.describe.ownership import DebianOwnership, Digests, Ownership, RpmOwnership, Trust, ownership_here
from sampler.describe.process import process_fields
from sampler.describe.process_tree import ancestors
from sampler.describe.quick import QUICK_TYPE_BYTES, quick_type
from sampler.describe.rpm import RpmRecords
from sampler.describe.similarity import similarity_fields

__all__ = [
    "FILE_WORDS",
    "QUICK_TYPE_BYTES",
    "ContentFacts",
    "Data",
    "DebianOwnership",
    "Digests",
    "Ownership",
    "RpmOwnership",
    "RpmRecords",
    "Trust",
    "activity_fields",
    "agreement_fields",
    "ancestors",
    "classify",
    "describe_content",
    "entropy_fields",
    "file_fields",
    "file_type_word",
    "hash_fields",
    "host_fields",
    "load_libmagic",
    "origin_fields",
    "owner_class",
    "owner_of",
    "ownership_here",
    "process_fields",
    "quick_type",
    "similarity_fields",
]
