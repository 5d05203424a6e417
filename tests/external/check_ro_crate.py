"""Judges the directory of a pack with roc-validator, without the network.

    check_ro_crate.py PACK_DIR PROFILE

The validator wants the JSON-LD context over HTTP, or from its cache. The cache is filled here, for this
run alone, with the context that the package `rocrate` carries; any other address is a cache miss, and an error.
"""
import importlib.resources
import io
import json
import sys
import tempfile

from requests.adapters import HTTPAdapter
from requests_cache import CachedSession
from rocrate_validator import models, services
from urllib3 import HTTPResponse

CONTEXT = "https://w3id.org/ro/crate/1.1/context"


class Shipped(HTTPAdapter):
    """Answers with the context that the package `rocrate` carries; nothing goes over the network."""

    def send(self, request, **_):
        text = (importlib.resources.files("rocrate") / "data/ro-crate.jsonld").read_bytes()
        assert json.loads(text)["@id"] == CONTEXT, "this version of rocrate carries another context"
        headers = {"Content-Type": "application/ld+json"}
        raw = HTTPResponse(io.BytesIO(text), headers, status=200, preload_content=False, request_url=CONTEXT)
        return self.build_response(request, raw)


def fill(cache):
    """Puts the context into the cache at this path."""
    session = CachedSession(cache_name=cache, backend="sqlite", expire_after=-1)
    session.mount(CONTEXT, Shipped())
    assert session.get(CONTEXT).ok
    session.close()


def main(pack, profile):
    with tempfile.TemporaryDirectory() as home:
        cache = home + "/cache"
        fill(cache)
        settings = models.ValidationSettings(
            rocrate_uri=pack,
            profile_identifier=profile,
            requirement_severity=models.Severity.REQUIRED,
            offline=True,
            cache_path=cache,
            cache_max_age=-1,
        )
        result = services.validate(settings)
    for issue in result.get_issues():
        print(f"{issue.check.identifier}: {issue.message}")
    ran = sorted(check.identifier for check in result.executed_checks)
    skipped = sorted(check.identifier for check in result.skipped_checks)
    print(f"{len(ran)} checks ran: {' '.join(ran)}")
    print(f"{len(skipped)} were skipped: {' '.join(skipped)}")
    return 0 if result.passed() and ran else 1


sys.exit(main(*sys.argv[1:]))
