"""The authorization server: assertions in, access tokens out, and from a token the Caller of a request."""

from security.oauth.endpoints import Addresses, Attempt, OAuth, Reply
from security.oauth.scopes import narrow, permits, permits_feed
from security.oauth.token_keys import TokenKeys
from security.oauth.tokens import Issued, Tokens

__all__ = [
    "Addresses",
    "Attempt",
    "Issued",
    "OAuth",
    "Reply",
    "TokenKeys",
    "Tokens",
    "narrow",
    "permits",
    "permits_feed",
]
