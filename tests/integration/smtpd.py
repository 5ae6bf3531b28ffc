"""A mail server (aiosmtpd) that keeps what it gets: one file a mail, the recipient in its first line.

usage: smtpd.py PORT DIRECTORY [CERTIFICATE KEY starttls|tls NAME PASSWORD]
"""

import itertools
import os
import signal
import ssl
import sys

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

port, directory, *protected = sys.argv[1:]
numbers = itertools.count()


class Keep:
    async def handle_DATA(self, server, session, envelope):
        for recipient in envelope.rcpt_tos:
            if recipient.startswith("unknown-here"):
                return "550 5.1.1 <%s>: no such user here" % recipient
            name = os.path.join(directory, "%04d" % next(numbers))
            with open(name + ".part", "wb") as mail:
                mail.write(recipient.encode() + b"\n" + envelope.content)
            os.rename(name + ".part", name + ".eml")
        return "250 kept"


options = {}
if protected:
    certificate, key, how, user, password = protected
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)

    def sign_in(server, session, envelope, mechanism, data):
        right = (data.login, data.password) == (user.encode(), password.encode())
        return AuthResult(success=right, handled=False)

    options = {"authenticator": sign_in, "auth_required": True}
    if how == "tls":
        # It does not know that the whole connection is protected.
        options |= {"ssl_context": context, "auth_require_tls": False}
    else:
        options |= {"tls_context": context, "require_starttls": True}

Controller(Keep(), hostname="127.0.0.1", port=int(port), **options).start()
print("ready", flush=True)
signal.pause()
