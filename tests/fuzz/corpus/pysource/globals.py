for s in S:
    globals()[f"process_{s}"] = s
else:
    x: int = 3
@a.b
def g(): return r"\\" \
  + 0x1f
