# install.mk -- what is put below PREFIX, and what is told of it: included by the Makefile.
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
DATADIR ?= $(PREFIX)/share
DOCDIR ?= $(DATADIR)/doc/densimeter
# What starts the program where another machine's was built ("qemu-aarch64 -L /usr/aarch64-linux-gnu").
RUN ?=
INSTALL ?= install
VERSION = $(shell sed -n 's/^.define DENSIMETER_VERSION "\(.*\)"/\1/p' harness/version.h)
SHARE = $(BUILD)/share
# Made by the program itself, from its tables.
MADE = $(SHARE)/densimeter.1 $(SHARE)/densimeter.bash $(SHARE)/densimeter.zsh \
       $(SHARE)/densimeter.fish $(SHARE)/densimeter.pc $(SHARE)/densimeter.spdx.json
# One row a file: where from, where to, and its mode where it is no text.
ROWS = $(BUILD)/densimeter:$(BINDIR)/densimeter:755 \
    include/densimeter_device.h:$(PREFIX)/include/densimeter_device.h \
    $(SHARE)/densimeter.pc:$(DATADIR)/pkgconfig/densimeter.pc \
    $(SHARE)/densimeter.1:$(DATADIR)/man/man1/densimeter.1 \
    $(SHARE)/densimeter.bash:$(DATADIR)/bash-completion/completions/densimeter \
    $(SHARE)/densimeter.zsh:$(DATADIR)/zsh/site-functions/_densimeter \
    $(SHARE)/densimeter.fish:$(DATADIR)/fish/vendor_completions.d/densimeter.fish \
    $(SHARE)/densimeter.spdx.json:$(DOCDIR)/densimeter.spdx.json \
    $(foreach f,README.md CHANGES.md LICENSE docs/licences.csv,$(f):$(DOCDIR)/$(notdir $(f))) \
    $(foreach f,$(sort $(wildcard examples/*.c)),$(f):$(DATADIR)/densimeter/$(f)) \
    $(foreach f,$(sort $(wildcard docs/schema/*.json)),$(f):$(DATADIR)/densimeter/schema/$(notdir $(f)))

install: build/densimeter $(MADE) ## program, header, man page, completions, licences below DESTDIR PREFIX
	@for row in $(ROWS); do \
	    rest=$${row#*:}; to=$${rest%:755}; mode=644; [ "$$rest" = "$$to" ] || mode=755; \
	    $(INSTALL) -D -m $$mode "$${row%%:*}" "$(DESTDIR)$$to" || exit 1; done

uninstall: ## remove what install put there
	@for row in $(ROWS); do rest=$${row#*:}; rm -f "$(DESTDIR)$${rest%:755}"; done
	@rmdir "$(DESTDIR)$(DATADIR)/densimeter/examples" "$(DESTDIR)$(DATADIR)/densimeter/schema" "$(DESTDIR)$(DATADIR)/densimeter" \
	    "$(DESTDIR)$(DOCDIR)" 2>/dev/null || true

$(SHARE)/densimeter.1: $(BUILD)/densimeter
	@mkdir -p $(@D)
	@$(RUN) $< help --man >$@.new && mv $@.new $@
$(SHARE)/densimeter.%: $(BUILD)/densimeter
	@mkdir -p $(@D)
	@$(RUN) $< completions $* >$@.new && mv $@.new $@
$(SHARE)/densimeter.pc: harness/version.h install.mk
	@mkdir -p $(@D)
	@printf '%s\n' 'prefix=$(PREFIX)' 'includedir=$${prefix}/include' '' 'Name: densimeter' \
	    'Description: header for devices that Densimeter measures models on' \
	    'Version: $(VERSION)' 'Cflags: -I$${includedir}' >$@
$(SHARE)/densimeter.spdx.json: docs/licences.csv .ci/sbom $(BUILD)/densimeter
	@mkdir -p $(@D)
	@sh .ci/sbom $(BUILD)/densimeter $(VERSION) >$@.new && mv $@.new $@

sbom: $(SHARE)/densimeter.spdx.json ## everything that is linked, opened, started or shipped, as SPDX JSON
	@echo $<

reproducible: ## build twice in different folders and compare byte for byte (minutes)
	@sh tests/reproducible.sh

deb: ## the Debian packages, below build/deb (needs debhelper)
	@sh .ci/deb $(VERSION)

.PHONY: install uninstall sbom reproducible deb $(SHARE)/densimeter.pc
