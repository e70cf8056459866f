"""For whoever imports them from here."""

from tests.serving import SCRIPTED as SCRIPTED
from tests.serving import Serving as Serving
from tests.serving import sound as sound
