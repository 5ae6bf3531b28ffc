"""moto's S3 on loopback, checking signatures: server.py PORT

moto computes a request's signature over its query as it was decoded, so that a slash in a prefix
makes every signature wrong. Encoded as RFC 3986 has it, they fit.
"""

import sys
from urllib.parse import parse_qsl, quote, urlencode

from moto.iam import access_control
from moto.server import main

create = access_control.IAMRequestBase.__init__


def create_encoded(self, account_id, method, path, data, body, headers, action):
    path, mark, query = path.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    query = urlencode(pairs, quote_via=quote, safe="-_.~")
    create(self, account_id, method, path + mark + query, data, body, headers, action)


access_control.IAMRequestBase.__init__ = create_encoded
main(["-H", "127.0.0.1", "-p", sys.argv[1]])
