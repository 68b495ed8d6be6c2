# pg_nplusone: build, install and test with PGXS
#
#   make && make install            build for the server that PG_CONFIG names
#   make installcheck               pg_regress and isolation suites on a running, preloaded server
#   scripts/check                   everything, on throw-away servers of its own
#   make dist                       the archive that PGXN takes, of what is committed

MODULE_big = pg_nplusone
ROOMS = $(sort $(patsubst %.c,%.o,$(wildcard src/*.c)))
OBJS = pg_nplusone.o $(ROOMS)

EXTENSION = pg_nplusone
DATA = $(sort $(wildcard pg_nplusone--*.sql))
SCRIPTS = scripts/nplusone-ci scripts/nplusone-diff
PGFILEDESC = "pg_nplusone - finds N+1 query loops and missing indexes from inside the server"

REGRESS = $(patsubst sql/%.sql,%,$(sort $(wildcard sql/*.sql)))
REGRESS_OPTS = --temp-config=test/regress.conf
ISOLATION = $(patsubst specs/%.spec,%,$(sort $(wildcard specs/*.spec)))
ISOLATION_OPTS = --temp-config=test/regress.conf
TAP_TESTS = 1

PG_CPPFLAGS = -I$(CURDIR)/src
# A package is built with WERROR= : a newer compiler may warn of something new
WERROR ?= -Werror
# -Wclobbered complains of the variables that PG_TRY itself declares
PG_CFLAGS = -Wall -Wextra $(WERROR) -Wno-unused-parameter \
	-Wno-sign-compare -Wno-missing-field-initializers -Wno-clobbered

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)

# Only what the server looks up is visible; calls inside the library stay direct
SHLIB_LINK += -Wl,--version-script=$(CURDIR)/exports.map

# The path that every statement takes leads through several files of src/: let
# the compiler inline across them, where it and its linker can.
LTO_WORKS := $(shell d=$$(mktemp -d) && echo 'int npo;' >$$d/t.c && \
	$(or $(CC),cc) -O2 -fPIC -flto -shared -o $$d/t.so $$d/t.c >/dev/null 2>&1 && echo yes; rm -rf $$d)
ifeq ($(LTO_WORKS),yes)
PG_CFLAGS += -flto
SHLIB_LINK += -O2 -flto
endif

# A changed header rebuilds what includes it, also where PostgreSQL itself was
# configured without --enable-depend (as Debian's packages are).
PG_CFLAGS += -MMD -MP
EXTRA_CLEAN = $(OBJS:.o=.d) $(OBJS:.o=.bc) output_iso tmp_check tmp_check_iso

include $(PGXS)

# It counts equal values in arrays
src/evidence.o: CFLAGS += -O3

-include $(OBJS:.o=.d)

# The distribution has the name and the version that META.json gives it.  Its
# contents are those of a commit, so that what lies about is not among them.
DIST_NAME = $(shell sed -n 's/^   "name": "\(.*\)",$$/\1/p' META.json)
DIST_VERSION = $(shell sed -n 's/^   "version": "\(.*\)",$$/\1/p' META.json)
DIST_REF ?= HEAD

.PHONY: dist
dist:
	git archive --format=zip --prefix=$(DIST_NAME)-$(DIST_VERSION)/ \
		-o $(DIST_NAME)-$(DIST_VERSION).zip $(DIST_REF)
