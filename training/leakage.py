"""Near-duplicate sentences across splits, by MinHash.

Two sentences are near-duplicates where the Jaccard similarity of their sets of word
trigrams, as estimated by MinHash over 128 permutations (Broder 1997), is 0.6 or more.
Sentences under five words share stock phrases by chance and are left out; that no
two are the same is the corpus loader's to check.
"""

from collections.abc import Mapping, Sequence

from datasketch import MinHash, MinHashLSH

THRESHOLD = 0.6
# The index finds a pair at its own threshold about every other time; well under it, it misses next to none of ours.
_INDEX_THRESHOLD = 0.35
PERMUTATIONS = 128
_SHORTEST = 5


def near_duplicates(texts: Mapping[str, Sequence[str]]) -> list[str]:
    """Pairs of near-duplicate texts that stand in different splits.

    Args:
        texts: the texts of each split.

    Returns:
        A line a pair, naming both splits, both texts and the similarity.
    """
    keys = [(split, i) for split, found in texts.items() for i, text in enumerate(found) if _long_enough(text)]
    minhashes = MinHash.bulk([_trigrams(texts[split][i]) for split, i in keys], num_perm=PERMUTATIONS)
    hashes = dict(zip(keys, minhashes, strict=True))
    index = MinHashLSH(threshold=_INDEX_THRESHOLD, num_perm=PERMUTATIONS)
    pairs = []
    for key, minhash in hashes.items():
        for other in index.query(minhash):
            similarity = minhash.jaccard(hashes[other])
            if other[0] != key[0] and similarity >= THRESHOLD:
                pairs.append(
                    f"{similarity:.2f} {other[0]}: {texts[other[0]][other[1]]!r} | {key[0]}: {texts[key[0]][key[1]]!r}"
                )
        index.insert(key, minhash)
    return pairs


def _words(text: str) -> list[str]:
    return "".join(c if c.isalnum() else " " for c in text.casefold()).split()


def _long_enough(text: str) -> bool:
    return len(_words(text)) >= _SHORTEST


def _trigrams(text: str) -> list[bytes]:
    words = _words(text)
    return [" ".join(words[i : i + 3]).encode() for i in range(len(words) - 2)]
