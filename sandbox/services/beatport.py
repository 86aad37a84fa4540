"""api.beatport.com: /beatport/v4/... - the login of its own documentation, and the catalogue behind it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, g, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.services.beatport_login import Logins
from sandbox.services.beatport_shop import Item, Shop
from sandbox.services.library import fold
from sandbox.services.state import State, fault, options, reply, whole

Body = dict[str, Any]

POST_MESSAGE = "/v4/auth/o/post-message/"  # how the redirect of the documentation's client ends
PER_PAGE, MOST_PER_PAGE = 10, 100
SCRIPT = "/beatport/v4/docs/static/main.js"
KINDS = ("tracks", "releases", "artists", "labels", "charts", "genres")
# kind -> what can be listed below one of them
BELOW = {
    "releases": ("tracks",), "charts": ("tracks",), "labels": ("releases", "top"), "artists": ("tracks", "top"),
    "genres": ("tracks", "top"), "tracks": (),
}  # fmt: skip
PAGING = ("page", "per_page", "order_by", "enabled", "preorder", "facets")
FILTERS = (
    "id", "genre_id", "label_id", "artist_id", "artist_name", "isrc", "name", "publish_date", "is_hype", "hype",
)  # fmt: skip
NOT_PERMITTED = "You do not have permission to perform this action."


def refuse(status: int, detail: str) -> Response:
    return reply({"detail": detail}, status)


class Beatport:
    name = "beatport"

    def __init__(self, state: State) -> None:
        self._state = state
        self.logins = Logins(state.clock, state.vault, list(state.people.by_user))
        self.shop = Shop(state.library.tracks)

    def blueprint(self) -> Blueprint:
        routes = Blueprint(self.name, __name__, url_prefix=f"/{self.name}/v4")

        def add(rule: str, endpoint: str, view: Any, method: str = "GET") -> None:
            routes.add_url_rule(rule, endpoint, view, methods=[method], strict_slashes=False)

        add("/docs/", "docs", self.docs)
        add("/docs/static/main.js", "script", self.script)
        add("/auth/login/", "login", self.login, "POST")
        add("/auth/o/authorize/", "authorize", self.authorize)
        add("/auth/o/token/", "token", self.token, "POST")
        add("/auth/o/introspect/", "introspect", self.introspect)
        add("/my/account/", "account", self.account)
        add("/catalog/search/", "search", self.search)
        add("/catalog/<kind>/", "list", self.listing)
        add("/catalog/<kind>/<int:id_>/", "detail", self.detail)
        add("/catalog/<kind>/<int:id_>/<below>/", "below", self.below)
        add("/catalog/<kind>/top/<int:count>/", "top", self.top)
        add("/catalog/<kind>/<int:id_>/top/<int:count>/", "top of", self.top)
        return routes

    def identify(self) -> tuple[str | None, str]:
        endpoint = (request.endpoint or "").partition(".")[2]
        if endpoint == "token":
            endpoint = f"token/{request.values.get('grant_type', '')}"
        login = self.logins.by_access() or self.logins.by_session()
        login = login or self.logins.by_refresh(request.values.get("refresh_token", ""))
        named = "catalog" if request.path.startswith("/beatport/v4/catalog/") else endpoint
        return login.user if login else None, named

    def admit(self) -> Response | None:
        if rate := options("beatport.rate"):
            return reply(
                {"detail": "Request was throttled."}, 429, {"Retry-After": str(math.ceil(rate["seconds"]))}
            )  # fmt: skip
        if g.endpoint not in ("catalog", "account", "introspect"):
            return None
        if g.endpoint == "catalog" and self._state.limiter.take(self.name, "address") is not None:
            self._state.violate("spacing", "catalogue calls closer than half a second")
        if not request.headers.get("Authorization", "").startswith("Bearer "):
            self._state.violate("header", "no Authorization of the form Bearer TOKEN")
            return refuse(401, "Authentication credentials were not provided.")
        if self.logins.by_access(expire=fault("beatport.expired_token")) is None:
            return refuse(401, "Authentication credentials were not provided or have expired.")
        if fault("beatport.forbidden"):
            return refuse(403, NOT_PERMITTED)
        return refuse(403, "Territory Restricted.") if fault("beatport.restricted") else None

    # Getting in

    def docs(self) -> Response:
        self._state.parameters(())
        page = f'<!DOCTYPE html>\n<html><body><div id="app"></div>\n<script src="{SCRIPT}"></script>\n</body></html>\n'
        return Response(page, content_type="text/html")

    def script(self) -> Response:
        named = "" if fault("beatport.no_client_id") else f"  API_CLIENT_ID: '{self.logins.client_id}',\n"
        return Response(f"var config = {{\n{named}  API_VERSION: 'v4'\n}};\n", content_type="text/javascript")

    def login(self) -> Response:
        self._state.parameters(())
        sent = request.get_json(silent=True)
        if not isinstance(sent, dict) or not {"username", "password"} <= sent.keys():
            self._state.violate("body", "a login is JSON with username and password")
            return reply({"username": ["This field is required."], "password": ["This field is required."]}, 400)
        login = self.logins.check(sent["username"], sent["password"])
        if login is None or fault("beatport.bad_login"):
            return refuse(401, "Invalid login credentials.")
        if login.two_factor or fault("beatport.two_factor"):
            return reply({"detail": "Two-factor authentication code required.", "code": "two_factor_required"}, 403)
        answer = reply({"username": login.username, "email": login.email})
        answer.set_cookie("sessionid", self.logins.open_session(login), httponly=True)
        return answer

    def authorize(self) -> AnyResponse:
        self._state.parameters(("response_type", "client_id", "redirect_uri", "scope", "state"))
        sent, login = request.args, self.logins.by_session()
        if login is None:
            return redirect(f"/beatport/v4/auth/login/?{urlencode({'next': request.path})}", 302)
        uri = sent.get("redirect_uri", "")
        right = sent.get("client_id") == self.logins.client_id and sent.get("response_type") == "code"
        if not right or not uri.endswith(POST_MESSAGE):
            self._state.violate("redirect", "not the documentation's client, its redirect or response_type=code")
            return Response("<h2>Error: invalid_request</h2><p>Mismatching redirect URI.</p>", 400)
        code = {"code": self.logins.make_code(login, uri)}
        return redirect(f"{uri}?{urlencode(code | ({'state': sent['state']} if 'state' in sent else {}))}", 302)

    def token(self) -> Response:
        """Parameters as a form or in the query: both are taken."""
        sent: Mapping[str, str] = request.values
        grant = sent.get("grant_type")
        if grant == "password":
            return refuse(403, NOT_PERMITTED)
        if grant not in ("authorization_code", "refresh_token"):
            self._state.violate("parameter", "grant_type is none that there is")
            return reply({"error": "unsupported_grant_type"}, 400)
        self._state.parameters(("grant_type", "code", "redirect_uri", "client_id", "refresh_token"), sent)
        if sent.get("client_id") != self.logins.client_id:
            self._state.violate("parameter", "not the documentation's client id")
            return reply({"error": "invalid_client"}, 401)
        if grant == "authorization_code":
            login = self.logins.take_code(sent.get("code", ""), sent.get("redirect_uri", ""))
        else:
            login = self.logins.by_refresh(sent.get("refresh_token", ""))
        return reply(self.logins.make_tokens(login)) if login else reply({"error": "invalid_grant"}, 400)

    def account(self) -> Response:
        login = self.logins.by_access()
        assert login is not None  # `admit` has seen to it
        return reply({"id": 700 + self.logins.all.index(login), "email": login.email, "username": login.username})

    def introspect(self) -> Response:
        login = self.logins.by_access()
        assert login is not None
        return reply({"username": login.username, "scope": "app:docs user:dj"})

    # The catalogue

    def _asked(self, *more: str) -> tuple[int, int] | Response:
        """Page and items per page."""
        self._state.parameters((*PAGING, *more))
        page, per_page = whole("page", 1), whole("per_page", PER_PAGE)
        if page is None or per_page is None or page < 1 or per_page < 1:
            self._state.violate("parameter", "page or per_page is no number from 1 on")
            return reply({"page": ["Enter a number."]}, 400)
        if per_page > MOST_PER_PAGE:
            self._state.violate("parameter", f"per_page above {MOST_PER_PAGE} is clamped")
        return page, min(per_page, MOST_PER_PAGE)

    def _listed(self, items: Sequence[Item], asked: tuple[int, int]) -> Response:
        page, per_page = asked
        pages = max(1, math.ceil(len(items) / per_page))
        if page > pages:
            return refuse(404, "Invalid page.")

        def link(number: int) -> str | None:
            query = {**request.args, "page": number, "per_page": per_page}
            return f"{request.base_url}?{urlencode(query)}" if 1 <= number <= pages else None

        shown = items[(page - 1) * per_page : page * per_page]
        return reply(
            {
                "next": link(page + 1),
                "previous": link(page - 1),
                "count": len(items),
                "page": f"{page}/{pages}",
                "per_page": per_page,
                "results": [item.body for item in shown],
            }
        )

    def _find(self, kind: str, id_: int | None = None) -> Item | None:
        return self.shop.all_of(kind).get(id_ or 0) if kind in KINDS else None

    def _is_wanted(self, item: Item) -> bool:
        """Whether an item passes the query's filters."""
        sent, body = request.args, item.body

        def among(name: str, values: Sequence[int | None]) -> bool:
            return name not in sent or bool(set(sent[name].split(",")) & {str(value) for value in values})

        artists = " ".join(artist["name"] for artist in body.get("artists", ()))
        return (
            among("id", [item.id])
            and among("genre_id", [item.genre_id])
            and among("label_id", [item.label_id])
            and among("artist_id", item.artist_ids)
            and fold(sent.get("artist_name", "")) in fold(artists)
            and fold(sent.get("name", "")) in fold(body["name"])
            and sent.get("isrc", body.get("isrc")) == body.get("isrc")
            and (not self._hype() or item.is_hype)
        )

    @staticmethod
    def _hype() -> bool:
        return "true" in (request.args.get("hype"), request.args.get("is_hype"))

    def listing(self, kind: str) -> Response:
        if kind not in KINDS:
            self._state.violate("endpoint", f"no list of {kind}")
            return refuse(404, "Not found.")
        asked = self._asked(*FILTERS)
        return asked if isinstance(asked, Response) else self._listed(self.shop.where(kind, self._is_wanted), asked)

    def detail(self, kind: str, id_: int) -> Response:
        self._state.parameters(())
        item = self._find(kind, id_)
        if item is None:
            return refuse(404, "Not found.")
        return refuse(403, "Territory Restricted.") if item.restricted else reply(item.body)

    def below(self, kind: str, id_: int, below: str) -> Response:
        item = self._find(kind, id_)
        if below not in BELOW.get(kind, ()) or below == "top":
            self._state.violate("endpoint", f"nothing called {below} below {kind}")
            return refuse(404, "Not found.")
        asked = self._asked()
        if isinstance(asked, Response):
            return asked
        if item is None:
            return refuse(404, "Not found.")
        if kind == "charts":
            return self._listed(self.shop.chart_tracks(item), asked)
        return self._listed(self.shop.where(below, lambda other: self._belongs(other, item)), asked)

    @staticmethod
    def _belongs(other: Item, to: Item) -> bool:
        own = {"releases": other.release_id, "labels": other.label_id, "genres": other.genre_id}
        return to.id in other.artist_ids if to.kind == "artists" else own.get(to.kind) == to.id

    def top(self, kind: str, count: int, id_: int | None = None) -> Response:
        """The best-selling tracks (`type=release`: releases), of everything or of one genre, artist or label."""
        asked = self._asked("hype", "is_hype", "type")
        if isinstance(asked, Response):
            return asked
        item = self._find(kind, id_) if id_ is not None else None
        if (id_ is None and kind not in ("tracks", "releases")) or (
            id_ is not None and "top" not in BELOW.get(kind, ())
        ):
            self._state.violate("endpoint", f"no top list of {kind}")
            return refuse(404, "Not found.")
        if (id_ is not None and item is None) or not 1 <= count <= 100:
            return refuse(404, "Not found.")
        sold = "releases" if kind == "releases" or request.args.get("type") == "release" else "tracks"
        found = self.shop.where(sold, lambda other: item is None or self._belongs(other, item))
        return self._listed([one for one in found if not self._hype() or one.is_hype][:count], asked)

    def search(self) -> Response:
        asked = self._asked("q", "type", *FILTERS)
        if isinstance(asked, Response):
            return asked
        kind, wanted = request.args.get("type"), fold(request.args.get("q", "")).split()
        if not wanted or (kind is not None and kind not in KINDS[:5]):
            self._state.violate("parameter", f"a search needs q, and its type is one of {', '.join(KINDS[:5])}")
            return reply({"q": ["This field is required."]}, 400)
        page, per_page = asked
        body: Body = {"tracks": [], "releases": []}
        count = 0
        for name in (kind,) if kind else KINDS[:5]:
            hits = self.shop.where(
                name, lambda item: all(word in item.words for word in wanted) and self._is_wanted(item)
            )
            count += len(hits)
            body[name] = [item.body for item in hits[(page - 1) * per_page : page * per_page]]
        return reply(body | {"page": page, "per_page": per_page, "count": count})
