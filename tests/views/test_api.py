"""The endpoints, as a program meets them: through gradio_client, over HTTP."""

import asyncio
import warnings
from importlib.util import find_spec

import numpy as np
import pytest
from conftest import make_recommender

from tinynewsrec.views.page import launch_settings, page_of
from tinynewsrec.views.preparation import prepare
from tinynewsrec.views.workspace import Workspace


@pytest.fixture(scope="module")
def workspace(tokenizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("api")
    news = [f"N{i}\tsports\tsub\tthe river storm {i}\tAbstract\turl\t[]\t[]" for i in range(8)]
    (folder / "dev").mkdir()
    (folder / "dev" / "news.tsv").write_text("\n".join(news) + "\n")
    (folder / "dev" / "behaviors.tsv").write_text(
        "7\tU1\t11/15/2019 8:00:00 AM\tN0 N1\tN3-0 N4-1 N5-0\n8\tU2\t11/15/2019 9:00:00 AM\t\tN6-0 N7-1\n"
    )
    for name, layers in (("teacher", 3), ("student-1", 1)):
        make_recommender(tokenizer, layers, layers=layers).save_pretrained(folder / "checkpoints" / name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TINYNEWSREC_CACHE", str(folder / "cache"))
        workspace = Workspace(folder / "dev", [folder / "checkpoints"])
        prepare(workspace)
    return workspace


@pytest.fixture(scope="module")
def address(workspace):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of libraries below Gradio
        app = page_of(workspace)
        settings = launch_settings(mcp=find_spec("mcp") is not None)
        _, address, _ = app.launch(prevent_thread_lock=True, quiet=True, **settings)
        yield address
        app.close()


@pytest.fixture(scope="module")
def client(address):
    from gradio_client import Client

    client = Client(address, verbose=False)
    yield lambda name, *values: client.predict(*values, api_name=name)
    client.close()


def test_five_endpoints_are_public_and_documented(workspace):
    app = page_of(workspace)
    public = app.get_api_info()["named_endpoints"]
    assert set(public) == {"/rank", "/compare", "/explain", "/neighbours", "/benchmark"}
    for endpoint in public.values():
        assert endpoint["description"]
        assert all(parameter["type"] for parameter in endpoint["parameters"])


@pytest.mark.filterwarnings("ignore")
def test_an_agent_finds_the_same_five_as_tools_and_may_leave_out_what_has_a_default(address):
    pytest.importorskip("mcp", reason="pip install -e '.[mcp]'")
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    async def ask():
        async with (
            streamablehttp_client(f"{address}gradio_api/mcp/") as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            tools = (await session.list_tools()).tools
            asked = {"rank": {}, "explain": {"story": "N5"}, "compare": {"impression": "99"}}
            return tools, {name: await session.call_tool(name, given) for name, given in asked.items()}

    tools, answers = asyncio.run(ask())
    assert {tool.name for tool in tools} == {"rank", "compare", "explain", "neighbours", "benchmark"}
    assert all(tool.description for tool in tools)
    required = {tool.name: tool.inputSchema.get("required", []) for tool in tools}
    assert [name for name, wanted in required.items() if wanted] == ["neighbours"]
    assert [answers[name].isError for name in answers] == [False, False, True]
    assert "no impression '99'" in answers["compare"].content[0].text


def test_ranking_is_that_of_the_page(client, workspace):
    answer = client("/rank", "7", "student-1", [])
    scores = workspace.models[1].score(workspace.split.impressions[0])
    assert [row["id"] for row in answer["ranking"]] == [f"N{3 + place}" for place in np.argsort(-scores)]
    assert [row["rank"] for row in answer["ranking"]] == [1, 2, 3]
    assert answer["models"] == {"student-1": workspace.models[1].checkpoint.content_hash}
    assert (answer["impression"], answer["reader"], answer["clicks"]) == ("7", "U1", 2)


def test_a_known_headline_ranks_as_its_story_does(client):
    answer = client("/compare", "7", ["the river storm 4"])
    found = {row["id"]: row["ranks"] for row in answer["candidates"]}
    for model in ("teacher", "student-1"):
        assert abs(found["H1"][model] - found["N4"][model]) == 1
    assert answer["rank correlation with the first model"]["teacher"] == pytest.approx(1)


def test_an_explanation_sums_to_the_score(client):
    answer = client("/explain", "7", "", "N5")
    parts = sum(click["contribution"] for click in answer["contributions"])
    assert parts + answer["rest"] + answer["error"] == pytest.approx(answer["score"], abs=1e-5)
    assert sum(click["attention"] for click in answer["contributions"]) == pytest.approx(1, abs=1e-5)
    assert answer["clicks"] == len(answer["contributions"]) == 2


def test_a_story_is_its_own_nearest_neighbour(client):
    answer = client("/neighbours", "the river storm 2", "teacher", 3)
    assert answer["neighbours"][0]["title"] == "the river storm 2"
    assert answer["neighbours"][0]["cosine"] == pytest.approx(1, abs=1e-5)


def test_a_benchmark_names_every_model(client):
    answer = client("/benchmark", 4, 2)
    assert set(answer["milliseconds for a title"]) == {"teacher", "student-1"}
    assert all(timing["rounds"] == 2 for timing in answer["milliseconds for a title"].values())


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("/rank", ("99", "", []), "no impression '99'"),
        ("/rank", ("7", "giant", []), "teacher, student-1"),
        ("/explain", ("7", "", "N0"), "no candidate"),
        ("/neighbours", ("a", "", 0), "between 1 and 100"),
        ("/benchmark", (101, 1), "titles must be between"),
        ("/compare", ("7", ["a"] * 101), "at most 100"),
        ("/compare", ("7", ["a" * 500]), "headlines cannot be"),
    ],
)
def test_what_cannot_be_answered_says_why(client, name, values, reason):
    with pytest.raises(Exception, match=reason):
        client(name, *values)
