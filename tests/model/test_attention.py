import pytest
import torch

from tinynewsrec.model.attention import AttentionPooling, MeanPooling

KINDS = [lambda: AttentionPooling(size=4, query_size=3), MeanPooling]
PRECISIONS = [torch.float32, torch.bfloat16]


@pytest.fixture(params=KINDS, ids=["attention", "mean"])
def pooling(request):
    torch.manual_seed(0)
    made = request.param()
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter)
    return made


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_row_of_padding_alone_is_zero_with_finite_gradients(pooling, precision):
    items = torch.randn(2, 3, 4).to(precision).requires_grad_()
    mask = torch.tensor([[True, False, True], [False, False, False]])
    vectors = pooling.to(precision)(items, mask)
    vectors.sum().backward()
    assert vectors[0].isfinite().all()
    assert not vectors[1].any()
    assert items.grad.isfinite().all()


def test_weights_sum_to_one_over_what_the_mask_keeps(pooling):
    mask = torch.tensor([[True, False, True], [True, True, True]])
    weights = pooling.weights(torch.randn(2, 3, 4), mask)
    torch.testing.assert_close(weights.sum(-1), torch.ones(2))
    assert not weights[~mask].any()
