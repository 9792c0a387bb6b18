# One verb for each thing a contributor does. Run `make help` for the list.

SHELL := /bin/bash
PACKAGES := libopenblas-dev libjpeg-dev libpng-dev libssl-dev libwebp-dev zlib1g-dev pkg-config
# What the packages are needed for: a header of each.
HEADERS := cblas.h jpeglib.h openssl/evp.h png.h webp/decode.h zlib.h
SOURCES := Package.swift Sources Tests Examples
ARGS ?=
# Where `make install` puts things; DESTDIR stages them elsewhere.
PREFIX ?= /usr/local
SYSCONFDIR ?= $(if $(filter /usr,$(PREFIX)),/etc,$(PREFIX)/etc)
DESTDIR ?=
VERSION = $(shell sed -n 's/.*current = "\(.*\)"/\1/p' Sources/Server/Version.swift)

.DEFAULT_GOAL := help
.PHONY: help run build install uninstall deb dist test test-page test-deb test-fleet sanitize fuzz checkkernels simulate advisories chaos acceptance bench-guard docs lint format clean packages swift
# The libraries that other packages may use.
LIBRARIES := Inference HTTPServer Training

help: ## Show this list.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: build ## Build, and serve the models in weights/ on port 8080; ARGS="--port 9000" adds flags.
	.build/release/alexnet serve $(ARGS)

# Swift's libraries are linked in: the program starts sooner, and runs where Swift is not installed.
build: packages swift ## Build the release binary, .build/release/alexnet.
	swift build -c release --toolset config/toolsets/release.json --static-swift-stdlib --product alexnet

install: build ## Install the program, its manual and completions; PREFIX=/usr/local, DESTDIR= for packages.
	install -D -m 755 .build/release/alexnet $(DESTDIR)$(PREFIX)/bin/alexnet
	strip --strip-unneeded $(DESTDIR)$(PREFIX)/bin/alexnet
	install -d $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/doc/alexnet
	.build/release/alexnet --experimental-dump-help | python3 deploy/man/generate.py | gzip -9n \
	    > $(DESTDIR)$(PREFIX)/share/man/man1/alexnet.1.gz
	install -m 644 README.md LICENSE $(DESTDIR)$(PREFIX)/share/doc/alexnet
	for shell in bash:bash-completion/completions/alexnet zsh:zsh/vendor-completions/_alexnet \
	    fish:fish/vendor_completions.d/alexnet.fish; do \
	    file=$(DESTDIR)$(PREFIX)/share/$${shell#*:}; install -d $$(dirname $$file); \
	    .build/release/alexnet --generate-completion-script $${shell%%:*} > $$file || exit 1; chmod 644 $$file; done

uninstall: ## Remove what `make install` has installed.
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/,bin/alexnet share/man/man1/alexnet.1.gz \
	    share/bash-completion/completions/alexnet share/zsh/vendor-completions/_alexnet \
	    share/fish/vendor_completions.d/alexnet.fish)
	rm -rf $(DESTDIR)$(PREFIX)/share/doc/alexnet

deb: ## Make the Debian package, .build/dist/alexnet_VERSION-1_ARCH.deb.
	rm -rf .build/staged && $(MAKE) install DESTDIR=$(CURDIR)/.build/staged PREFIX=/usr
	deploy/debian/build.sh .build/staged .build/dist $(VERSION)

# The same bytes from the same binary: sorted names, no owners, the time of the last commit.
dist: ## Make a tarball with checksum, .build/dist/alexnet-VERSION-linux-ARCH.tar.gz.
	rm -rf .build/staged && $(MAKE) install DESTDIR=$(CURDIR)/.build/staged/alexnet-$(VERSION) PREFIX=/
	cp -R config weights deploy CHANGELOG.md .build/staged/alexnet-$(VERSION)/
	cp deploy/dist/README.md .build/staged/alexnet-$(VERSION)/README.md
	mkdir -p .build/dist
	tar --create --sort=name --owner=0 --group=0 --numeric-owner --mtime=@$$(git log -1 --format=%ct 2>/dev/null || echo 0) \
	    --directory .build/staged alexnet-$(VERSION) | gzip -9n > .build/dist/alexnet-$(VERSION)-linux-$$(uname -m).tar.gz
	cd .build/dist && sha256sum alexnet-$(VERSION)-linux-$$(uname -m).tar.gz > SHA256SUMS && cat SHA256SUMS

# One after the other: whole networks run in some tests, and would starve the servers that others talk to.
test: packages swift ## Build and run all tests.
	swift test --toolset config/toolsets/tests.json --disable-xctest --no-parallel

# Debian's Python, since Debian's Selenium fits Debian's Chromium.
test-page: ## Test the page at / in headless Chromium, with the program that `make test` has built.
	@if ! command -v chromedriver >/dev/null || ! /usr/bin/python3 -c 'import selenium' 2>/dev/null; then \
	    run=; if [ "$$(id -u)" != 0 ]; then run=sudo; fi; \
	    $$run apt-get update -qq && $$run env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
	        chromium chromium-driver python3-selenium fonts-dejavu-core >/dev/null; fi
	/usr/bin/python3 Tests/Acceptance/page.py --binary .build/debug/alexnet

test-deb: deb ## Install the Debian package in a bare Debian, and try it; wants root and debootstrap.
	deploy/debian/test.sh .build/dist/alexnet_$(VERSION)-1_$$(dpkg --print-architecture).deb

test-fleet: build ## Three servers behind HAProxy and nginx, and the alerts; wants haproxy, nginx-light and prometheus.
	cd deploy/prometheus && promtool check config prometheus.yml && promtool test rules alerts_test.yml
	python3 Tests/Acceptance/fleet.py

# One build for the sanitizers and libFuzzer: out-of-bounds accesses, uses after free and leaks in Swift and C, and what the C
# that reads images leaves undefined. Swift's compiler has no UndefinedBehaviorSanitizer for Linux; its own arithmetic traps.
# ThreadSanitizer is left out: it does not know the lock of Swift's Mutex on Linux, and reports what every one of them protects.
SANITIZED = --scratch-path .build-sanitize --toolset config/toolsets/sanitize.json --sanitize address \
    -Xswiftc -sanitize-coverage=edge,indirect-calls,inline-8bit-counters,pc-table,trace-cmp
sanitize fuzz: export ALEXNET_LIBFUZZER = $(shell clang -print-file-name=lib/linux/libclang_rt.fuzzer_no_main-$(shell uname -m).a)

sanitize: packages swift ## Run the tests of what strangers send with AddressSanitizer and UndefinedBehaviorSanitizer.
	swift test $(SANITIZED) --disable-xctest --no-parallel --filter '^(FilesTests|HTTPServerTests|InferenceTests)\.'

# TARGETS="request png" picks some; SECONDS= is for each, and so is RUNS=, which makes the same ones every time.
fuzz: packages swift ## Fuzz every reader of strangers' bytes for SECONDS=30 each, TARGETS= names some.
	swift build $(SANITIZED) --product Fuzzing
	python3 Tests/Fuzzing/run.py --binary .build-sanitize/debug/Fuzzing --seconds $(or $(SECONDS),30) $(if $(RUNS),--runs $(RUNS)) $(TARGETS)

# As they are built for the program, with a harness that undefined behaviour ends. No package is needed.
CHECKKERNELS = .build/checkkernels
checkkernels: ## Compare kernels with plain C on every instruction set of this CPU; ARGS="--seeds 1000 --time" says how.
	@mkdir -p $(CHECKKERNELS)
	@for file in Sources/CKernels/*.c; do \
	    clang -O3 -fno-math-errno -fno-trapping-math -ISources/CKernels/include -c $$file \
	        -o $(CHECKKERNELS)/$$(basename $$file .c).o || exit 1; done
	@for file in Tests/CheckKernels/*.c; do \
	    clang -O1 -g -ffp-contract=off -Wall -Wextra -Werror -fsanitize=undefined -fno-sanitize-recover=undefined \
	        -ISources/CKernels/include -c $$file -o $(CHECKKERNELS)/checks_$$(basename $$file .c).o || exit 1; done
	@clang -fsanitize=undefined $(CHECKKERNELS)/*.o -lm -o $(CHECKKERNELS)/checkkernels
	$(CHECKKERNELS)/checkkernels $(ARGS)

# FIRST= is the first seed; ARGS=--trace tells every step, ARGS=--replay runs each seed twice.
simulate: export ALEXNET_SIMULATION = 1
simulate: packages swift ## Simulate SEEDS=1000 servers with their clients, disks and faults in virtual time.
	swift build --toolset config/toolsets/tests.json --product Simulation
	.build/debug/Simulation --seeds $(or $(SEEDS),1000) $(if $(FIRST),--first $(FIRST)) $(ARGS)

advisories: build ## Try what the advisories of other servers describe on a live one.
	python3 Tests/Acceptance/advisories.py --binary .build/release/alexnet $(ARGS)

chaos: build ## Serve while weights, disk, descriptors, memory and the process itself fail.
	python3 Tests/Acceptance/chaos.py --binary .build/release/alexnet $(ARGS)

acceptance: build ## Compare with PyTorch end to end, and press hard; Tests/Acceptance/README.md lists what it wants.
	for script in forms architectures lookalikes files fashion_mnist precision explain page reload models limits v2 contract pressure \
	    operators doors advisories chaos images_under_attack startup training; do \
	    python3 Tests/Acceptance/$$script.py --binary .build/release/alexnet || exit 1; done

bench-guard: build ## Compare the network's speed with its peers', and with what was recorded on this kind of CPU.
	Benchmarks/run guard

# The compiler writes what is public, docc makes pages of it and of the articles in Sources/*/*.docc. No plugin and no package is
# needed, so that nothing is fetched or compiled for it in other builds.
docs: packages swift ## Build the libraries' documentation into .build-docs.
	@command -v docc >/dev/null || { echo "docc is needed; it comes with Swift's toolchain." >&2; exit 1; }
	@set -e; for library in $(LIBRARIES); do \
	    swift build --scratch-path .build-docs --target $$library \
	        $(addprefix -Xswiftc ,-emit-symbol-graph -emit-symbol-graph-dir $(CURDIR)/.build-docs/graphs \
	        -symbol-graph-minimum-access-level public -symbol-graph-skip-synthesized-members); \
	    rm -rf .build-docs/$$library .build-docs/graph; mkdir -p .build-docs/graph; \
	    cp .build-docs/graphs/$$library.symbols.json .build-docs/graph; \
	    docc convert Sources/$$library/$$library.docc --additional-symbol-graph-dir .build-docs/graph \
	        --fallback-display-name $$library --fallback-bundle-identifier alexnet.$$library \
	        --transform-for-static-hosting --hosting-base-path $$library --output-path .build-docs/$$library; \
	done
	@echo "Read it with: python3 -m http.server --directory .build-docs 8000, at http://localhost:8000/Inference/documentation/inference/"

lint: swift ## Check the layout of every source file.
	swift format lint --strict --parallel --recursive $(SOURCES)

format: swift ## Lay every source file out anew.
	swift format --in-place --parallel --recursive $(SOURCES)

clean: ## Remove what was built.
	rm -rf .build .build-docs .build-sanitize

# The system libraries: looked for by their headers, installed with apt-get where one is missing.
packages:
	@missing=; for header in $(HEADERS); do \
	    printf '#include <stdio.h>\n#include <%s>\n' $$header | cc -E -x c - >/dev/null 2>&1 \
	        || missing="$$missing $$header"; done; \
	command -v pkg-config >/dev/null || missing="$$missing pkg-config"; \
	if [ -n "$$missing" ]; then \
	    echo "Missing:$$missing. Installing $(PACKAGES)."; \
	    if ! command -v apt-get >/dev/null; then \
	        echo "There is no apt-get here: install these libraries' development files by hand." >&2; exit 1; fi; \
	    run=; if [ "$$(id -u)" != 0 ]; then run=sudo; fi; \
	    $$run apt-get update -qq && $$run env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $(PACKAGES); fi

swift:
	@command -v swift >/dev/null || { \
	    echo "Swift 6.2 or later is needed and was not found on PATH." >&2; \
	    echo "Install it from https://www.swift.org/install/linux, then run make again." >&2; exit 1; }
