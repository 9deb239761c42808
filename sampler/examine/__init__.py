"""What a child does with one object: type, rules, structure; and how the parent asks for it and checks the answer.

It owns the order of the stages in the child and the coding between parent and child. A stage that fails costs a
``Problem``; the others' results stand. The parent believes nothing of an answer that it can check: it is for the object
that was asked about, it stays inside that object, and it names no field that a child cannot know. It never opens an
object by name and never decides what leaves.
"""

from sampler.examine.examiner import Examiner
from sampler.examine.externals import externals_of
from sampler.examine.messages import SweepRequest, Swept
from sampler.examine.reading import read_whole
from sampler.examine.settings import ExamineSettings, RuleReport

__all__ = ["ExamineSettings", "Examiner", "RuleReport", "SweepRequest", "Swept", "externals_of", "read_whole"]
