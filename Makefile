# make run     build the release and serve on ./data (DATA=… for another directory)
# make test    everything that CI checks but style
# make bench   measure against ceilings of the same run
# make soak    10,000 tenants on one machine, and an hour under load
# make check   format and lints
# make package deb and rpm, in target/package

DATA ?= data
LISTEN ?= 127.0.0.1:8443
BUILD := $(shell git rev-parse --short=12 HEAD 2>/dev/null)
export STRONGROOM_BUILD = $(BUILD)

.PHONY: run build demo test test-packages bench soak check package packages

run: build
	target/release/strongroom serve --data-dir $(DATA) --listen $(LISTEN)

demo: build
	target/release/strongroom demo --listen $(LISTEN)

build: packages
	cargo build --release --locked

test:
	@packaging/test-tools
	@cargo fetch --locked --quiet
	cargo test --locked

# deb and rpm with man pages, completions, licences and a bill of materials.
package:
	@packaging/package-tools
	packaging/package

# Installs, upgrades and removes the packages in a Debian of its own; wants root and some minutes.
test-packages:
	packaging/test-packages

bench: packages
	@packaging/build-packages age zstd
	cargo bench --locked --bench store --bench http --bench search --bench backup --bench archive --bench restore --bench tenants

# Ten thousand tenants, and an hour of load in which nothing may grow.
soak: packages
	STRONGROOM_BENCH_TENANTS=$${STRONGROOM_BENCH_TENANTS:-10000} STRONGROOM_SOAK_MINUTES=$${STRONGROOM_SOAK_MINUTES:-60} \
		cargo bench --locked --bench tenants

check:
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings

# What compiling SQLCipher and OpenSSL needs; installed only where it is missing.
packages:
	@packaging/build-packages
