"""The frequent words of written Persian, as the library wordfreq counted them."""

from retrieval.data.loading import load_rows
from retrieval.query.letters import is_persian_word
from retrieval.text.normalise import normalise


def load_written_words() -> dict[str, float]:
    """Load some 27,000 folded words with their frequencies, most frequent first.

    A frequency is a word's share of all words, one in a million and more. Of several
    spellings of one folded word, the most frequent counts. It takes 0.2 s.
    """
    # The library keeps 15 megabytes of modules: only who reads questions pays for it.
    import wordfreq

    unprotected = {
        normalise(word) for (word,) in load_rows("spelling/unprotected.tsv", 1)
    }
    words: dict[str, float] = {}
    for token, frequency in wordfreq.get_frequency_dict("fa").items():
        word = normalise(token)
        if is_persian_word(word) and word not in unprotected:
            words.setdefault(word, frequency)
    # What the library remembers is needed no more.
    wordfreq.get_frequency_dict.cache_clear()
    wordfreq.get_frequency_list.cache_clear()
    return words
