"""Secret keys, signatures, proofs of channels, folders."""
