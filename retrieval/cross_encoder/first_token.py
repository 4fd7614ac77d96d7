"""Leaves out of a cross-encoder what no score is made of, before it is exported.

A classifier reads the state of the first token alone. The last layer needs the others
for what the first one looks at, but their own states are worked out for nobody.
"""

from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn

#: Logits; what the order of additions may change, and no more.
_EQUAL = 1e-4


class FirstTokenLayer(nn.Module):
    """A BERT-like encoder's layer that returns the first token's state, (pairs, 1, d).

    Holds the weights of the layer that it stands for.
    """

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(
        self,
        hidden_states: Tensor,
        attention_mask: Tensor | None = None,
        *_for_decoders: object,
        **_for_others: object,
    ) -> Tensor:
        """Compute the layer for the first token; the mask is added to attention."""
        looks = self.layer.get_submodule("attention.self")
        size = cast("int", looks.attention_head_size)

        def split(states: Tensor) -> Tensor:
            return states.view(*states.shape[:-1], -1, size).transpose(1, 2)

        first = hidden_states[:, :1]
        query = split(looks.get_submodule("query")(first))
        key = split(looks.get_submodule("key")(hidden_states))
        value = split(looks.get_submodule("value")(hidden_states))
        fit = query @ key.transpose(2, 3) * size**-0.5
        if attention_mask is not None:
            fit = fit + attention_mask[:, :, :1]
        seen = (fit.softmax(dim=-1) @ value).transpose(1, 2).flatten(2)
        state = self.layer.get_submodule("attention.output")(seen, first)
        wide = self.layer.get_submodule("intermediate")(state)
        narrow: Tensor = self.layer.get_submodule("output")(wide, state)
        return narrow


def keep_first_token(model: nn.Module, example: Mapping[str, Tensor]) -> bool:
    """Have the last layer of a classifier compute the first token only, if that is all.

    Returns whether the model was changed: not if it is built otherwise, or if its
    scores of the example would not stay what they are.
    """
    layers = _find_layers(model)
    if layers is None:
        return False
    whole = layers[-1]
    with torch.no_grad():
        wanted = model(**example).logits
        layers[-1] = FirstTokenLayer(whole)
        try:
            got = model(**example).logits
            if got.shape == wanted.shape and (got - wanted).abs().max() < _EQUAL:
                return True
        except (RuntimeError, TypeError, AttributeError, IndexError, ValueError):
            # Built otherwise inside: it stays as it was.
            pass
    layers[-1] = whole
    return False


def _find_layers(model: nn.Module) -> nn.ModuleList | None:
    """Find the encoder's layers: the only list of modules, as BERT's is."""
    lists = [part for part in model.modules() if isinstance(part, nn.ModuleList)]
    return lists[0] if len(lists) == 1 and len(lists[0]) > 0 else None
