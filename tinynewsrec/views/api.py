"""Five endpoints for programs: the page's numbers, through gradio_client or as tools over MCP."""

from functools import partial
from typing import Any

import gradio as gr
import numpy as np

from tinynewsrec.analysis.latency import interleaved, summarise, this_machine
from tinynewsrec.analysis.pickers import rank_correlation
from tinynewsrec.analysis.reader import compare as rank_all
from tinynewsrec.data.tables import Ragged
from tinynewsrec.views.case import Case, case_of, scores_of, vectors_of
from tinynewsrec.views.roles import role_of
from tinynewsrec.views.state import Page
from tinynewsrec.views.workspace import Model, Workspace

MOST = 100  # rows, headlines or rounds that one call may ask for


class Endpoints:
    """The endpoints over one workspace. What cannot be answered raises gr.Error, which names the reason."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    def rank(self, impression: str = "", model: str = "", headlines: list[str] = []) -> dict[str, Any]:  # noqa: B006
        """Ranks the candidates of an impression, and any further headlines, for its reader.

        Args:
            impression: id of an impression, as in behaviors.tsv; empty for the first that is worth a look
            model: name of a loaded model, as the page shows it; empty for the largest
            headlines: further headlines to rank among the candidates; at most 100
        """
        case, chosen = self.case(impression, headlines), self.model(model)
        scores = scores_of(self.workspace, chosen, case)
        ranks = rank_all(scores[None]).ranks[0]
        order = np.argsort(ranks).tolist()
        return self.facts(case, [chosen]) | {
            "ranking": [
                {"rank": int(ranks[place]), "score": float(scores[place]), **told(case, place)}
                for place in order
            ]
        }

    def compare(self, impression: str = "", headlines: list[str] = []) -> dict[str, Any]:  # noqa: B006
        """Ranks the candidates of an impression by every loaded model, and says how far they agree.

        Args:
            impression: id of an impression; empty for the first that is worth a look
            headlines: further headlines to rank among the candidates; at most 100
        """
        case, models = self.case(impression, headlines), self.models()
        found = rank_all(np.stack([scores_of(self.workspace, model, case) for model in models]))
        lists = Ragged.stack([range(found.ranks.shape[1])])
        return self.facts(case, models) | {
            "candidates": [
                told(case, place)
                | {
                    "ranks": {
                        model.name: int(row[place]) for model, row in zip(models, found.ranks, strict=True)
                    }
                }
                for place in range(found.ranks.shape[1])
            ],
            "rank correlation with the first model": {
                model.name: float(rank_correlation(found.ranks[0], row, lists)[0])
                for model, row in zip(models, found.ranks, strict=True)
            },
        }

    def explain(self, impression: str = "", model: str = "", story: str = "") -> dict[str, Any]:
        """Splits the score of a candidate over the clicks of the reader; the parts sum to the score.

        Args:
            impression: id of an impression; empty for the first that is worth a look
            model: name of a loaded model; empty for the largest
            story: id of one of the candidates; empty for the one ranked first
        """
        from tinynewsrec.analysis.contributions import contributions

        case, chosen = self.case(impression, []), self.model(model)
        history, candidates = vectors_of(self.workspace, chosen, case)
        found = contributions(chosen.recommender, history, candidates)
        place = case.place_of(story) if story else int(np.argmax(found.scores))
        if place is None:
            raise gr.Error(f"{story!r} is no candidate of impression {case.original.id!r}.")
        rows = case.impression.history[-len(history) :] if len(history) else []
        clicks = zip(rows, found.weights, found.clicks[:, place], strict=True)
        return self.facts(case, [chosen]) | {
            "story": told(case, place),
            "score": float(found.scores[place]),
            "contributions": [
                {
                    "id": case.id_of(int(row)),
                    "title": case.title_of(int(row)),
                    "attention": float(weight),
                    "contribution": float(part),
                }
                for row, weight, part in clicks
            ],
            "rest": float(found.rest[place]),
            "error": float(found.error[place]),
            "exact": found.exact,
        }

    def neighbours(self, headline: str, model: str = "", count: int = 10) -> dict[str, Any]:
        """Finds the stories whose vectors are nearest to that of a headline, by cosine.

        Args:
            headline: any headline, or one of the data
            model: name of a loaded model; empty for the largest
            count: how many; 1 to 100
        """
        from tinynewsrec.analysis.neighbours import nearest
        from tinynewsrec.evaluation.beyond_accuracy import unit

        chosen, news = self.model(model), self.workspace.split.news
        within(count, "count")
        found = nearest(unit(chosen.encode([headline])), unit(chosen.vectors), count)
        return {
            "model": chosen.name,
            "data": self.workspace.split.name,
            "stories": len(news),
            "neighbours": [
                {
                    "cosine": float(cosine),
                    "id": news.columns["id"][row].as_py(),
                    "title": news.columns["title"][row].as_py(),
                }
                for row, cosine in zip(found.rows[0].tolist(), found.cosines[0], strict=True)
            ],
        }

    def benchmark(self, titles: int = 32, rounds: int = 5) -> dict[str, Any]:
        """Times every loaded model on this machine: milliseconds to encode a title, the models in turn.

        Args:
            titles: how many titles each model encodes in a round; 1 to 100
            rounds: how often; 1 to 100, one more is dropped as warm-up
        """
        import torch

        from tinynewsrec.evaluation.vectors import encode_news

        models = self.models()
        within(titles, "titles"), within(rounds, "rounds")
        texts = self.workspace.split.news.texts("title")[:titles]
        jobs = [partial(encode_news, model.recommender, model.recommender.tokens(texts)) for model in models]
        with self.workspace.turns.lock:
            *_, seconds = interleaved(jobs, rounds)
        times = [summarise(1000 * column / len(texts)) for column in seconds.T]
        return {
            "data": self.workspace.split.name,
            "titles": len(texts),
            "machine": this_machine(torch.get_num_threads())._asdict(),
            "milliseconds for a title": {
                model.name: timing._asdict() for model, timing in zip(models, times, strict=True)
            },
        }

    def models(self) -> tuple[Model, ...]:
        if self.workspace.split is None or not self.workspace.models:
            raise gr.Error("No data or no model is loaded yet; ask again in a moment.")
        return self.workspace.models

    def model(self, name: str) -> Model:
        found = [model for model in self.models() if model.name == name or not name]
        if not found:
            known = ", ".join(model.name for model in self.models())
            raise gr.Error(f"There is no model {name!r}; there are {known}.")
        return found[0]

    def case(self, impression: str, headlines: list[str]) -> Case:
        self.models()
        if len(headlines) > MOST:
            raise gr.Error(f"Expected at most {MOST} headlines, found {len(headlines)}.")
        try:
            page = Page().select(impression=impression, headlines=headlines)
        except ValueError as error:
            raise gr.Error(str(error)) from error
        case = case_of(self.workspace, page)
        if impression and case.original.id != impression:
            raise gr.Error(f"There is no impression {impression!r} in {self.workspace.split.name}.")
        return case

    def facts(self, case: Case, models: tuple[Model, ...] | list[Model]) -> dict[str, Any]:
        """On what every answer rests."""
        return {
            "data": self.workspace.split.name,
            "impression": case.original.id,
            "reader": case.original.reader,
            "clicks": len(case.impression.history),
            "models": {model.name: model.checkpoint.content_hash for model in models},
            "roles": {model.name: role_of(self.workspace, model) for model in models},
        }


def told(case: Case, place: int) -> dict[str, Any]:
    row = int(case.impression.candidates[place])
    clicked = case.impression.clicked
    return {
        "id": case.id_of(row),
        "title": case.title_of(row),
        "clicked": None if clicked is None else bool(clicked[place]),
    }


def within(value: int, name: str) -> None:
    if not 1 <= value <= MOST:
        raise gr.Error(f"{name} must be between 1 and {MOST}, got {value}.")


def publish(workspace: Workspace) -> None:
    """Makes the endpoints of an app that is being built; nothing else of it can be called by name."""
    found = Endpoints(workspace)
    for endpoint in (found.rank, found.compare, found.explain, found.neighbours):
        gr.api(endpoint, queue=False)
    gr.api(found.benchmark, concurrency_limit=1)
