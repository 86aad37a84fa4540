"""accounts.spotify.com: consent, and tokens for codes, refresh tokens and client credentials."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import urlencode

from flask import Blueprint, Response, g, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.services.spotify_tokens import ACCESS_SECONDS, SCOPES, Refresh, Tokens, fits_challenge, redirect_fault
from sandbox.services.state import State, fault, options, plain, reply

FORM = "application/x-www-form-urlencoded"
PARAMETERS = {
    "authorization_code": ("grant_type", "code", "redirect_uri", "client_id", "code_verifier"),
    "refresh_token": ("grant_type", "refresh_token", "client_id"),
    "client_credentials": ("grant_type",),
}


def refuse(error: str, description: str) -> Response:
    return reply({"error": error, "error_description": description}, 400)


class SpotifyAccounts:
    name = "spotify-accounts"

    def __init__(self, state: State, tokens: Tokens) -> None:
        self._state = state
        self._tokens = tokens
        self.consenting = next(iter(state.people.by_user))  # who sits before the browser

    def blueprint(self) -> Blueprint:
        routes = Blueprint(self.name, __name__, url_prefix=f"/{self.name}")
        routes.add_url_rule("/authorize", view_func=self.authorize)
        routes.add_url_rule("/api/token", view_func=self.token, methods=["POST"])
        return routes

    def identify(self) -> tuple[str | None, str]:
        if request.path.endswith("/authorize"):
            return request.args.get("sandbox_user", self.consenting), "authorize"
        refresh = self._tokens.refresh.get(request.form.get("refresh_token", ""))
        code = self._tokens.codes.get(request.form.get("code", ""))
        person = refresh.person if refresh else code.person if code else None
        grant = request.form.get("grant_type", "")
        return person.user if person else None, f"token/{grant if grant in PARAMETERS else 'unknown'}"

    def admit(self) -> Response | None:
        return None

    def authorize(self) -> AnyResponse:
        """The consent page; here the user (`sandbox_user`, else `consenting`) agrees at once, or not with `deny=1`."""
        self._state.parameters(
            ("client_id", "response_type", "redirect_uri", "state", "scope", "show_dialog", "code_challenge",
             "code_challenge_method", "sandbox_user", "deny")
        )  # fmt: skip
        asked = request.args
        if asked.get("client_id") != self._tokens.app.client_id:
            return plain("INVALID_CLIENT: Invalid client", 400)
        uri = asked.get("redirect_uri", "")
        if wrong := redirect_fault(uri, self._tokens.app):
            self._state.violate("redirect", wrong)
            return plain(wrong, 400)
        if asked.get("response_type") != "code":
            self._state.violate("parameter", "response_type is not code: the implicit grant is gone")
            return plain("response_type must be code", 400)
        scopes = asked.get("scope", "").split()
        if strange := set(scopes) - SCOPES:
            self._state.violate("parameter", f"unknown scope {min(strange)!r}")
            return plain("INVALID_SCOPE: Invalid scope", 400)
        challenge = asked.get("code_challenge")
        if challenge and asked.get("code_challenge_method") != "S256":
            self._state.violate("parameter", "code_challenge_method is not S256")
            return plain("code_challenge_method must be S256", 400)
        if not asked.get("state"):
            self._state.violate("parameter", "authorize without a state: nothing ties the answer to the asking")
        person = self._state.people.by_user.get(g.account)
        if person is None:
            return plain(f"nobody here is called {g.account}", 400)
        answer = {"state": asked.get("state", "")}
        if asked.get("deny") or fault("spotify-accounts.consent_denied"):
            answer["error"] = "access_denied"
        else:
            answer["code"] = self._tokens.make_code(person, scopes, uri, challenge)
        if fault("spotify-accounts.wrong_state"):
            answer["state"] = "of-somebody-else"
        return redirect(f"{uri}{'&' if '?' in uri else '?'}{urlencode(answer)}", 302)

    def token(self) -> Response:
        self._state.parameters(())
        if request.mimetype != FORM:
            self._state.violate("header", f"token request as {request.mimetype or 'nothing'}, not as {FORM}")
            return refuse("unsupported_grant_type", "grant_type parameter is missing")
        grant = request.form.get("grant_type", "")
        if grant not in PARAMETERS:
            self._state.violate("parameter", "grant_type is not one of the three")
            return refuse("unsupported_grant_type", f"grant_type must be one of {', '.join(PARAMETERS)}")
        self._state.parameters(PARAMETERS[grant], request.form)
        if fault("spotify-accounts.invalid_client"):
            return refuse("invalid_client", "Invalid client")
        confidential = self._knows_secret()
        if confidential is None:
            self._state.violate("header", "wrong client id or secret")
            return refuse("invalid_client", "Invalid client secret")
        if not confidential and request.form.get("client_id") != self._tokens.app.client_id:
            self._state.violate("parameter", "neither Basic credentials nor the right client_id")
            return refuse("invalid_client", "Invalid client")
        if grant == "client_credentials":
            return self._for_app(confidential)
        if grant == "authorization_code":
            return self._for_code(confidential)
        return self._for_refresh(confidential)

    def _knows_secret(self) -> bool | None:
        """Whether the request comes with the app's Basic credentials; None where they are wrong."""
        header = request.headers.get("Authorization")
        if header is None:
            return False
        scheme, _, encoded = header.partition(" ")
        try:
            given = base64.b64decode(encoded, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return None
        app = self._tokens.app
        return True if scheme == "Basic" and given == f"{app.client_id}:{app.client_secret}" else None

    def _for_app(self, confidential: bool) -> Response:
        if not confidential:
            self._state.violate("header", "client_credentials without Basic credentials")
            return refuse("invalid_client", "Invalid client secret")
        return self._answer(self._tokens.make_access(None, (), None, self._lifetime()), None, ())

    def _for_code(self, confidential: bool) -> Response:
        sent = request.form
        code = self._tokens.take_code(sent.get("code", ""))
        if code is None:
            return refuse("invalid_grant", "Invalid authorization code")
        if sent.get("redirect_uri") != code.redirect_uri:
            self._state.violate("redirect", "redirect_uri differs from the one of the authorization")
            return refuse("invalid_grant", "Invalid redirect URI")
        if code.challenge is None and not confidential:
            self._state.violate("header", "a code without PKCE needs Basic credentials")
            return refuse("invalid_client", "Invalid client secret")
        if code.challenge is not None and not fits_challenge(sent.get("code_verifier", ""), code.challenge):
            self._state.violate("parameter", "code_verifier does not fit the challenge")
            return refuse("invalid_grant", "code_verifier was incorrect")
        refresh = self._tokens.make_refresh(code.person, code.scopes, pkce=code.challenge is not None)
        access = self._tokens.make_access(code.person, code.scopes, refresh, self._lifetime())
        return self._answer(access, refresh, code.scopes)

    def _for_refresh(self, confidential: bool) -> Response:
        refresh = self._tokens.refresh.get(request.form.get("refresh_token", ""))
        if refresh and fault("spotify-accounts.revoked"):
            refresh.alive = False
        if refresh is None or not self._tokens.is_good(refresh) or fault("spotify-accounts.invalid_grant"):
            return refuse("invalid_grant", "Refresh token revoked")
        if not refresh.pkce and not confidential:
            self._state.violate("header", "this refresh token was not made with PKCE: Basic credentials needed")
            return refuse("invalid_client", "Invalid client secret")
        if refresh.pkce and "client_id" not in request.form:
            self._state.violate("parameter", "refreshing a PKCE token without client_id")
            return refuse("invalid_request", "client_id required")
        self._tokens.use(refresh)
        new: Refresh | None = None
        kept = fault("spotify-accounts.no_refresh_token")
        if (refresh.pkce and not kept) or fault("spotify-accounts.rotate"):
            new = self._tokens.make_refresh(refresh.person, refresh.scopes, pkce=refresh.pkce, replaces=refresh)
        access = self._tokens.make_access(refresh.person, refresh.scopes, new or refresh, self._lifetime())
        return self._answer(access, new, refresh.scopes)

    def _lifetime(self) -> float:
        short = options("spotify-accounts.short_tokens")
        return short["seconds"] if short else ACCESS_SECONDS

    def _answer(self, access: str, refresh: Refresh | None, scopes: frozenset[str] | tuple[str, ...]) -> Response:
        body: dict[str, object] = {"access_token": access, "token_type": "Bearer", "expires_in": int(self._lifetime())}
        if fault("spotify-accounts.no_expires_in"):
            del body["expires_in"]
        if scopes:
            body["scope"] = " ".join(sorted(scopes))
        if refresh:
            body["refresh_token"] = refresh.token
        return reply(body, headers={"Cache-Control": "no-store"})
