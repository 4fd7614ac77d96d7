"""A small cross-encoder that truly ranks: built, trained and saved in seconds."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    PreTrainedTokenizerFast,
)

WORDS = tuple(f"{a}{b}" for a in "بپتجدرزسشک" for b in ("ار", "ین", "وم", "ان"))
MAX_TOKENS = 64
_HIDDEN = 64
_SIDE = 56  # dimensions from here on say which of the two texts a token is from
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")


@dataclass(frozen=True, slots=True)
class Question:
    """A question of words, and passages that hold some of them among others."""

    query: str
    passages: tuple[str, ...]
    #: How many of the question's words each passage holds.
    overlaps: tuple[int, ...]


def make_question(dice: random.Random, n_passages: int = 20) -> Question:
    """Make one up: passages of many lengths, one of which holds every word."""
    asked = dice.sample(WORDS, 3)
    others = [word for word in WORDS if word not in asked]
    passages, overlaps = [], []
    best = dice.randrange(n_passages)
    for place in range(n_passages):
        held = 3 if place == best else dice.choice((0, 0, 0, 1, 1, 2))
        words = dice.sample(asked, held) + dice.sample(others, dice.randint(1, 12))
        dice.shuffle(words)
        passages.append(" ".join(words))
        overlaps.append(held)
    return Question(" ".join(asked), tuple(passages), tuple(overlaps))


def build_tokenizer(
    words: Sequence[str] = WORDS, *, max_tokens: int = MAX_TOKENS
) -> PreTrainedTokenizerFast:
    """Build a tokenizer that knows these words."""
    vocabulary = {word: place for place, word in enumerate((*_SPECIAL, *words))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.BertProcessing(
        ("[SEP]", vocabulary["[SEP]"]), ("[CLS]", vocabulary["[CLS]"])
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=max_tokens,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )


def build_encoder(n_words: int) -> BertForSequenceClassification:
    """Build an untrained encoder whose first look is for the same word elsewhere."""
    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=n_words + len(_SPECIAL),
        hidden_size=_HIDDEN,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=128,
        max_position_embeddings=MAX_TOKENS,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    config.num_labels = 1
    encoder = BertForSequenceClassification(config)
    # Finding equal words is what takes long to learn, so it begins near it: a token
    # looks for its own word, and is told by the last dimensions which side that is on.
    words = torch.diag((torch.arange(_HIDDEN) < _SIDE).float())
    side = torch.eye(_HIDDEN) - words
    one_side = side.diagonal()
    attention = "bert.encoder.layer.0.attention"
    encoder.load_state_dict(
        {
            "bert.embeddings.word_embeddings.weight": torch.randn(
                config.vocab_size, _HIDDEN
            )
            @ words,
            "bert.embeddings.position_embeddings.weight": torch.zeros(
                MAX_TOKENS, _HIDDEN
            ),
            "bert.embeddings.token_type_embeddings.weight": torch.stack(
                [one_side, -one_side]
            ),
            f"{attention}.self.query.weight": 1.2 * words,
            f"{attention}.self.key.weight": 1.2 * words,
            f"{attention}.self.value.weight": side,
            f"{attention}.output.dense.weight": 2.0 * torch.eye(_HIDDEN),
        },
        strict=False,
    )
    return encoder


def save_trained_encoder(folder: Path, *, steps: int = 150) -> None:
    """Train an encoder to count shared words, and save it as transformers does."""
    tokenizer = build_tokenizer()
    encoder = build_encoder(len(WORDS))
    dice = random.Random(11)  # noqa: S311 - the same lesson every time
    optimizer = torch.optim.AdamW(encoder.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=2e-3, total_steps=steps
    )
    # Threads that meet at every tiny step cost more than they bring.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    encoder.train()
    for _ in range(steps):
        questions = [make_question(dice, 8) for _ in range(8)]
        batch = tokenizer(
            [q.query for q in questions for _ in q.passages],
            [passage for q in questions for passage in q.passages],
            padding=True,
            truncation="longest_first",
            return_tensors="pt",
        )
        wanted = torch.tensor([n for q in questions for n in q.overlaps])
        # Graded targets, a logit of 3 apart, so that the order is wide open.
        loss = torch.nn.functional.mse_loss(
            encoder(**batch).logits[:, 0], 3.0 * wanted - 4.5
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    torch.set_num_threads(threads)
    encoder.eval()
    encoder.save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))
