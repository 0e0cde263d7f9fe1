import numpy as np
import torch

from innerloop.networks import CosineHead


def test_logits_are_scaled_cosines():
    head = CosineHead(5, 3, scale=4.0).double()
    x = torch.randn(6, 5, dtype=torch.float64)
    w = head.weight.detach().numpy()
    expected = [[4 * a @ b / np.linalg.norm(a) / np.linalg.norm(b) for b in w] for a in x.numpy()]
    np.testing.assert_allclose(head(x).detach().numpy(), expected)


def test_lengths_do_not_count():
    head, x = CosineHead(5, 3), torch.randn(6, 5)
    before = head(x)
    head.weight.data *= torch.tensor([[2.0], [0.5], [9.0]])
    torch.testing.assert_close(head(7 * x), before)


def test_features_of_zero_have_logits_and_a_slope():
    head, x = CosineHead(5, 3), torch.zeros(2, 5, requires_grad=True)
    head(x).sum().backward()
    assert not head(x).any()
    assert x.grad.isfinite().all()
