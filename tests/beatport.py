"""A Beatport on loopback: its documentation page, login, tokens and catalogue, strict about who asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.services import said

NAME, PASSWORD = "digger@example.org", "correct-horse-battery"
CLIENT_ID, SESSION, CODE = "client-of-the-docs-page", "sess1on-c00kie", "c0de-for-a-token"
HOME = "/v4"


class FakeBeatport:
    """Access tokens are `access-1`, `access-2`...; `valid` holds those that are taken."""

    def __init__(self, httpserver: HTTPServer) -> None:
        self.url = httpserver.url_for(HOME)
        self.login_answer: Response | None = None
        self.valid: set[str] = set()
        self.issued = 0
        self.lifetime: int | None = 600
        self.refresh_works = True
        self.seen: list[str] = []
        self.lists: dict[str, list[dict[str, Any]]] = {}
        self.details: dict[str, dict[str, Any]] = {}
        self.answers: dict[str, Response] = {}
        self.largest_page = 100
        self._server = httpserver
        httpserver.expect_request(f"{HOME}/docs/").respond_with_handler(self._noted(self._docs))
        httpserver.expect_request("/v4/docs/static/app.js").respond_with_handler(self._noted(self._script))
        httpserver.expect_request(f"{HOME}/auth/login/", method="POST").respond_with_handler(self._noted(self._login))
        httpserver.expect_request(f"{HOME}/auth/o/authorize/").respond_with_handler(self._noted(self._authorize))
        httpserver.expect_request(f"{HOME}/auth/o/token/", method="POST").respond_with_handler(self._noted(self._token))
        httpserver.expect_request(f"{HOME}/auth/o/introspect/").respond_with_handler(self._noted(self._introspect))

    def serve_list(self, path: str, items: list[dict[str, Any]]) -> None:
        """A list in the paging envelope."""
        self.lists[path] = items
        self._server.expect_request(HOME + path).respond_with_handler(self._noted(self._guarded(self._page)))

    def serve_item(self, path: str, item: Any, response: Response | None = None) -> None:
        self.answers[path] = response or said(item)
        answer = self._noted(self._guarded(lambda request: self.answers[request.path.removeprefix(HOME)]))
        self._server.expect_request(HOME + path).respond_with_handler(answer)

    def _noted(self, answer: Callable[[Request], Response]) -> Callable[[Request], Response]:
        def noted(request: Request) -> Response:
            query = f"?{request.query_string.decode()}" if request.query_string else ""
            self.seen.append(f"{request.method} {request.path.removeprefix(HOME)}{query}")
            return answer(request)

        return noted

    def _guarded(self, answer: Callable[[Request], Response]) -> Callable[[Request], Response]:
        def guarded(request: Request) -> Response:
            token = request.headers.get("Authorization", "").removeprefix("Bearer ")
            if token not in self.valid:
                return said({"detail": "Authentication credentials were not provided."}, 401)
            return answer(request)

        return guarded

    def _docs(self, _: Request) -> Response:
        scripts = '<script src="https://cdn.example.invalid/x.js"></script><script src="/v4/docs/static/app.js">'
        return Response(f"<html><head>{scripts}</script></head></html>", content_type="text/html")

    def _script(self, _: Request) -> Response:
        return Response(f"const c = {{API_CLIENT_ID: '{CLIENT_ID}'}}", content_type="text/javascript")

    def _login(self, request: Request) -> Response:
        if self.login_answer is not None:
            return self.login_answer
        if request.json != {"username": NAME, "password": PASSWORD}:
            return said({"detail": "Unable to log in with provided credentials."}, 401)
        response = said({"username": NAME, "email": NAME})
        response.set_cookie("csrftoken", "x", expires=1_900_000_000)
        response.set_cookie("sessionid", SESSION, httponly=True)
        return response

    def _authorize(self, request: Request) -> Response:
        if request.cookies.get("sessionid") != SESSION or request.args["client_id"] != CLIENT_ID:
            return Response("<p>invalid_request</p>", 400)
        address = request.args["redirect_uri"]
        assert urlsplit(address).path == f"{HOME}/auth/o/post-message/"
        return Response(status=302, headers={"Location": f"{urlsplit(address).path}?code={CODE}"})

    def _token(self, request: Request) -> Response:
        form = request.form
        good = form.get("client_id") == CLIENT_ID and (
            (form["grant_type"] == "authorization_code" and form.get("code") == CODE)
            or (form["grant_type"] == "refresh_token" and self.refresh_works and "refresh_token" in form)
        )
        if not good:
            return said({"error": "invalid_grant"}, 400)
        return said(self.issue())

    def issue(self) -> dict[str, Any]:
        self.issued += 1
        self.valid = {f"access-{self.issued}"}
        answer = {
            "access_token": f"access-{self.issued}",
            "refresh_token": f"refresh-{self.issued}",
            "scope": "app:docs",
        }
        return answer if self.lifetime is None else answer | {"expires_in": self.lifetime}

    def _introspect(self, request: Request) -> Response:
        return self._guarded(lambda _: said({"username": NAME}))(request)

    def _page(self, request: Request) -> Response:
        kind = " hype" if request.args.get("hype") == "true" else ""
        items = self.lists[request.path.removeprefix(HOME) + kind]
        asked = parse_qs(request.query_string.decode())
        number = int(asked.get("page", ["1"])[0])
        size = min(int(asked.get("per_page", ["10"])[0]), self.largest_page)
        pages = max(-(-len(items) // size), 1)
        follower = f"api-internal.example.invalid/v4/catalog/?page={number + 1}" if number < pages else None
        shown = items[(number - 1) * size : number * size]
        envelope = {"next": follower, "previous": None, "count": len(items), "page": f"{number}/{pages}"}
        return said(envelope | {"per_page": size, "results": shown})
