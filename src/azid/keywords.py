"""Keywords that a credential does not know: options for azure-core's pipeline, or slips of the pen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

__all__ = ["keywords_of", "refuse_misspellings"]

# The options of azure-core's policies and of its requests transport.
_PIPELINE_OPTIONS: Final = frozenset(
    {
        *("transport", "policies", "retry_policy_class", "base_url", "session", "session_owner", "loop", "timeout"),
        *("connection_timeout", "read_timeout", "connection_verify", "connection_cert", "connection_data_block_size"),
        *("proxies", "proxies_use_env_settings", "use_env_settings", "headers", "base_headers", "request_id"),
        *("user_agent", "user_agent_overwrite", "user_agent_use_env", "base_user_agent", "sdk_moniker"),
        *("logging_enable", "raw_request_hook", "raw_response_hook", "network_span_namer", "tracing_attributes"),
        *("retry_total", "retry_connect", "retry_read", "retry_status", "retry_mode", "retry_backoff_factor"),
        *("retry_backoff_max", "retry_on_status_codes", "retry_on_methods", "permit_redirects", "redirect_max"),
        *("redirect_remove_headers", "response_encoding", "instrumentation_config", "tracing_options"),
    }
)
_LIKENESS: Final = 0.78
"""From which likeness on a keyword counts as a misspelling of another (0 to 1, as difflib measures)."""


def refuse_misspellings(given: Iterable[str], known: Iterable[str]) -> None:
    """Refuse keywords that look like misspellings.

    :param given: the keywords that a call has left over.
    :param known: the keywords that it knows.
    :raises TypeError: one of `given` looks like one of `known`; the error names both.
    """
    unknown = set(given) - _PIPELINE_OPTIONS
    if not unknown:
        return
    import difflib

    known = list(known)
    for keyword in unknown:
        if keyword in known:
            raise TypeError(f"unexpected keyword argument {keyword!r}: only other credentials take it")
        for meant in difflib.get_close_matches(keyword, known, n=1, cutoff=_LIKENESS):
            raise TypeError(f"unexpected keyword argument {keyword!r}: did you mean {meant!r}?")


def keywords_of(cls: type) -> tuple[str, ...]:
    """Return the names of the parameters that a class is made with."""
    code = cls.__init__.__code__  # type: ignore[misc]
    return tuple(code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount])
