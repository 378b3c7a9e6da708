from .utils import *
from .utils import f
try:
    import a.b as f
except E:
    f = None
