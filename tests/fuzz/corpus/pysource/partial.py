from functools import partial
A = ["x", {"y": 1}]  # words


def g(docs, s="a"):
    """Does it."""
    return docs.filter(lambda d: d[f"k_{s}"] in A)


f = partial(g, s="b", t=[1, (2,)])
