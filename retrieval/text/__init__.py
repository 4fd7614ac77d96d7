"""Text as written: normalisation, language, links, sentences, chunks."""
