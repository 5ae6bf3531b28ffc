"""moto's S3 on loopback, checking signatures: server.py PORT

moto computes a request's signature over its query as it was decoded, so that a slash in a prefix
makes every signature wrong. Encoded as RFC 3986 has it, they fit.

Where objects are locked, S3 takes a checksum by itself ("Content-MD5 OR x-amz-checksum- HTTP header is
required"); moto asks for a header that only Amazon's own libraries send.
"""

import sys
from urllib.parse import parse_qsl, quote, urlencode

from moto.iam import access_control
from moto.server import DomainDispatcherApplication, main

create = access_control.IAMRequestBase.__init__
answer = DomainDispatcherApplication.__call__


def create_encoded(self, account_id, method, path, data, body, headers, action):
    path, mark, query = path.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    query = urlencode(pairs, quote_via=quote, safe="-_.~")
    create(self, account_id, method, path + mark + query, data, body, headers, action)


def answer_to_checksum(self, environ, start_response):
    if "HTTP_X_AMZ_CHECKSUM_SHA256" in environ:
        environ["HTTP_X_AMZ_SDK_CHECKSUM_ALGORITHM"] = "SHA256"
    return answer(self, environ, start_response)


access_control.IAMRequestBase.__init__ = create_encoded
DomainDispatcherApplication.__call__ = answer_to_checksum
main(["-H", "127.0.0.1", "-p", sys.argv[1]])
