"""LoRA adapters of the PEFT library as what adapts, on a tiny transformer with random weights."""

import pytest
import torch
from torch import nn

from helpers.checks import difference, measure
from innerloop import methods
from innerloop.mapping import Mapping
from innerloop.task import Examples, Task, stack

peft = pytest.importorskip("peft", reason="needs the extra `peft`")
transformers = pytest.importorskip("transformers", reason="needs the extra `peft`")


class Classifier(nn.Module):
    """Token ids `(N, L)` to logits."""

    def __init__(self, encoder):
        super().__init__()
        self.encoder, self.head = encoder, nn.Linear(16, 2)
        self.head.requires_grad_(False)

    def forward(self, x):
        return self.head(self.encoder(input_ids=x).last_hidden_state.mean(1))


def network():
    config = transformers.BertConfig(
        vocab_size=20, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16,
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, attn_implementation="eager",
    )  # fmt: skip
    encoder = transformers.BertModel(config, add_pooling_layer=False)
    adapters = peft.LoraConfig(r=2, target_modules=["query", "value"], init_lora_weights=False)
    return Classifier(peft.get_peft_model(encoder, adapters)).double()


def tasks():
    def examples(rows):
        return Examples(torch.randint(0, 20, (rows, 5)), torch.arange(rows) % 2, ways=2)

    return stack([Task(examples(4), examples(6)) for _ in range(2)])


@pytest.mark.filterwarnings("ignore")  # those libraries' own
@pytest.mark.parametrize("first_order", [False, True])
def test_only_the_adapters_adapt_and_their_meta_gradient_is_right(first_order):
    net, batch = network(), tasks()
    learner = methods.lora_maml(net, inner_steps=2, inner_lr=0.5, first_order=first_order)
    assert len(learner.adapted_names) == 8
    assert all("lora_" in name for name in learner.adapted_names)
    found = []
    for learner.mapping in (Mapping(vectorise=False), Mapping(vectorise=True)):
        found.append(measure(learner, batch))
    assert difference(*found) < 1e-12

    theta = {n: p for n, p in net.named_parameters() if p.requires_grad}
    losses, total = [], {n: torch.zeros_like(p) for n, p in theta.items()}
    for i in range(2):
        phi = {n: p.view_as(p) for n, p in theta.items()}
        for _ in range(2):
            out = torch.func.functional_call(net, phi, (batch.support.x[i],))
            slopes = torch.autograd.grad(
                nn.functional.cross_entropy(out, batch.support.y[i]), list(phi.values()), create_graph=not first_order
            )
            phi = {n: p - 0.5 * g for (n, p), g in zip(phi.items(), slopes, strict=True)}
        out = torch.func.functional_call(net, phi, (batch.query.x[i],))
        losses.append(nn.functional.cross_entropy(out, batch.query.y[i]))
        for (n, _), g in zip(theta.items(), torch.autograd.grad(losses[-1], list(theta.values())), strict=True):
            total[n] += g / 2
    assert difference(found[0], (torch.stack(losses).detach(), total)) < 1e-9
