"""The remote AI service: /ai/mood (lyrics to probabilities) and /ai/recommend (a mood vector to songs).

The model counts the words of the songwriter's lexicon, so its answers can be checked by hand.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import Any

from flask import Blueprint, Response, g, request

from sandbox.catalogue import Track
from sandbox.services.songwriter import LEXICON, MOODS
from sandbox.services.state import State, fault, options, reply

MODEL = "sandbox-lexicon-1"  # sent as X-Model-Version
SONGS, MOST_SONGS = 10, 100  # default and largest number of songs
SMOOTHING = 0.5  # words that every mood has without saying any


class Ai:
    name = "ai"

    def __init__(self, state: State) -> None:
        self._state = state

    def blueprint(self) -> Blueprint:
        routes = Blueprint(self.name, __name__, url_prefix=f"/{self.name}")
        routes.add_url_rule("/mood", "mood", self.mood, methods=["POST"])
        routes.add_url_rule("/recommend", "recommend", self.recommend, methods=["POST"])
        return routes

    def identify(self) -> tuple[str | None, str]:
        return None, (request.endpoint or "").partition(".")[2]

    def admit(self) -> Response | None:
        self._state.parameters(())
        if slow := options("ai.slow"):
            self._state.stopping.wait(slow["seconds"])
        if rate := options("ai.rate"):
            return reply({"error": "too many requests"}, 429, {"Retry-After": str(math.ceil(rate["seconds"]))})
        if not isinstance(request.get_json(silent=True), dict):
            self._state.violate("body", "the body is no JSON object sent as application/json")
            return reply({"error": "a JSON object is expected"}, 400)
        if fault("ai.malformed"):
            return reply({"result": ["happy", "0.9"]} if g.endpoint == "mood" else {"songs": "none"})
        return None

    def _refuse(self, detail: str) -> Response:
        self._state.violate("body", detail)
        return reply({"error": detail}, 422)

    def mood(self) -> Response:
        sent: dict[str, Any] = request.get_json()
        text = sent.get("lyrics")
        if not isinstance(text, str) or not text.strip():
            return self._refuse("lyrics is no text")
        if strange := sent.keys() - {"lyrics"}:
            self._state.violate("body", f"unknown field {min(strange)!r}")
        scores = probabilities(text)
        if fault("ai.not_normalised"):
            scores = {mood: round(score * 1.7, 4) for mood, score in scores.items()}
        if fault("ai.negative"):
            scores["sad"], scores["happy"] = -0.2, scores["happy"] + scores["sad"] + 0.2
        return reply(scores, headers={"X-Model-Version": MODEL})

    def recommend(self) -> Response:
        """The mood vector stands at the top or under `mood`; `limit` is optional."""
        sent: dict[str, Any] = request.get_json()
        vector = sent["mood"] if isinstance(sent.get("mood"), dict) else sent
        weights: dict[str, Any] = {mood: vector.get(mood) for mood in MOODS}
        if not all(isinstance(weight, int | float) and 0 <= weight <= 1 for weight in weights.values()):
            return self._refuse("a mood vector has a number within 0..1 for happy, sad, angry and relaxed")
        limit = sent.get("limit", SONGS)
        if not isinstance(limit, int) or not 1 <= limit <= MOST_SONGS:
            return self._refuse(f"limit is not within 1..{MOST_SONGS}")
        valence = 0.5 + 0.4 * (weights["happy"] + weights["relaxed"] - weights["sad"] - weights["angry"])
        energy = 0.5 + 0.4 * (weights["happy"] + weights["angry"] - weights["sad"] - weights["relaxed"])

        def score(track: Track) -> float:
            return 1 - math.hypot(track.features.valence - valence, track.features.energy - energy) / math.sqrt(2)

        best = sorted(self._state.library.tracks, key=score, reverse=True)[:limit]
        songs = [
            {"title": track.title, "artist": track.artist.name, "score": round(score(track), 4)}
            # the model knows some songs by name alone
            | ({"spotify_id": track.releases[0].track_id} if number % 4 else {})
            for number, track in enumerate(best)
        ]
        return reply({"songs": [] if fault("ai.no_songs") else songs}, headers={"X-Model-Version": MODEL})


def probabilities(text: str) -> dict[str, float]:
    """The share of each mood's words, smoothed; the four sum to 1."""
    counts = Counter(re.findall(r"[a-z]+", text.casefold()))
    weights = {mood: SMOOTHING + sum(counts[word] for word in LEXICON[mood]) for mood in MOODS}
    total = sum(weights.values())
    return {mood: weight / total for mood, weight in weights.items()}
