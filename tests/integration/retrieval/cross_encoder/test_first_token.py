"""The last layer's other tokens are left out where no score is made of them."""

from collections.abc import Callable

import pytest
import torch
from transformers import (
    AutoModelForSequenceClassification,
    BertConfig,
    DistilBertConfig,
    ElectraConfig,
    PretrainedConfig,
    XLMRobertaConfig,
)
from transformers.modeling_outputs import SequenceClassifierOutput

from retrieval.cross_encoder.first_token import FirstTokenLayer, keep_first_token

#: Two pairs of unequal length.
EXAMPLE = {
    "input_ids": torch.tensor([[5, 6, 7, 8, 9, 10], [5, 11, 12, 0, 0, 0]]),
    "attention_mask": torch.tensor([[1] * 6, [1, 1, 1, 0, 0, 0]]),
}


Shape = Callable[..., PretrainedConfig]


def build(shape: Shape) -> torch.nn.Module:
    torch.manual_seed(3)
    config = shape(
        vocab_size=50,
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=64,
        pad_token_id=0,
    )
    config.num_labels = 1
    model: torch.nn.Module = AutoModelForSequenceClassification.from_config(
        config, attn_implementation="eager"
    )
    for weights in model.parameters():
        # Fresh weights are so small that nothing a token sees would show in its score.
        torch.nn.init.normal_(weights, std=0.3)
    return model.eval()


def score(model: torch.nn.Module) -> torch.Tensor:
    with torch.no_grad():
        logits: torch.Tensor = model(**EXAMPLE).logits
    return logits


@pytest.mark.parametrize("shape", [BertConfig, XLMRobertaConfig, ElectraConfig])
def test_the_scores_are_those_of_the_whole_layer(shape: Shape) -> None:
    model = build(shape)
    whole = score(model)
    assert keep_first_token(model, EXAMPLE)
    assert any(isinstance(part, FirstTokenLayer) for part in model.modules())
    assert torch.allclose(score(model), whole, atol=1e-4)


def test_a_model_that_is_built_otherwise_stays_as_it_was() -> None:
    model = build(DistilBertConfig)
    whole = score(model)
    assert not keep_first_token(model, EXAMPLE)
    assert torch.equal(score(model), whole)


class MeanOfTokens(torch.nn.Module):
    """A classifier that reads every token."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = build(BertConfig)

    def forward(self, **inputs: torch.Tensor) -> SequenceClassifierOutput:
        states = self.inner.get_submodule("bert")(**inputs).last_hidden_state
        return SequenceClassifierOutput(logits=states.mean(dim=1)[:, :1])


def test_a_classifier_that_reads_every_token_keeps_its_last_layer() -> None:
    model = MeanOfTokens().eval()
    whole = score(model)
    assert not keep_first_token(model, EXAMPLE)
    assert torch.equal(score(model), whole)
