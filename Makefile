# make lab    installs what is missing, builds or fetches the box, brings the lab up, carries out one exercise, grades it,
#             and says where the report is
# make course the whole course in that lab, each exercise carried out and graded
# make test   installs what is missing, and runs the unit and integration tests
# make setup  makes the development environment in .venv/
# make docs   builds the documentation as a site, in both languages, in build/docs/
# make references
#             writes the tables of exercises and the references of commands and lab.yml in the documentation
# make messages
#             writes new texts of the code into the catalogues of translations
# make lock   chooses the newest versions of every dependency, and writes them into requirements/
# make course-docker, make course-libvirt
#             the same on machines of their own, which are taken down afterwards
# make e2e    the whole road on real nodes, broken on purpose at the end
# make e2e-cloud-image
#             a lab on nodes of a cloud image, on emulated virtual machines
# make e2e-docker-engines
#             the whole course on containers with each engine that nodes can have
# make e2e-arm64
#             the first exercises on nodes of arm64, emulated: their image, their box, and a lab
# make sabotage, make sabotage-libvirt
#             faults on real nodes, and the verdicts that each must turn
# make mutation
#             small changes to the code that grades, a sample of them, each of which some test must notice
# make release
#             checks, builds, tests and tags the version in pyproject.toml; pushes nothing
# make verdicts
#             the verdicts of every fault on a recording, written again after a change that is meant to turn some
# make clean  removes the machines and everything that was made here

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Of its own, so that the lab of `make lab` and the one of `make e2e` are told apart.
LAB := lab

# Two things at a time, the output of each in one piece where make can do that (GNU make 4 and later).
SIDE_BY_SIDE := --jobs=2 --no-print-directory $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)

.PHONY: lab course lab-up test lint unit integration integration-virtualbox integration-others
.PHONY: e2e e2e-cloud-image e2e-docker-engines e2e-arm64 e2e-docker e2e-docker-current e2e-machines e2e-libvirt e2e-virtualbox course-docker course-libvirt clean tools sabotage sabotage-libvirt
.PHONY: mutation setup lock docs references messages release verdicts

# The exercise that shows most in little time: a service on two nodes, asked for through every node.
lab: lab-up
	$(BIN)/labgen -C $(LAB) run loadbalance
	$(BIN)/labgen -C $(LAB) grade loadbalance

# Emulated virtual machines take more than half an hour for it.
course: lab-up
	$(BIN)/labgen -C $(LAB) run --all --grade

lab-up: $(VENV)/ready
	$(BIN)/labgen init $(LAB)
	$(BIN)/labgen -C $(LAB) doctor --fix
	$(BIN)/labgen -C $(LAB) up

test: lint unit integration

lint: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# A process of pytest for each processor.
unit: $(VENV)/ready
	$(BIN)/pytest --numprocesses=auto tests/unit

# With real VirtualBox beside all others: much of either is waiting.
integration: $(VENV)/ready tools
	$(MAKE) $(SIDE_BY_SIDE) integration-virtualbox integration-others

integration-virtualbox: $(VENV)/ready
	$(BIN)/pytest tests/integration/virtualbox

integration-others: $(VENV)/ready
	$(BIN)/pytest tests/integration --ignore tests/integration/virtualbox

# Vagrant, libvirt, QEMU, Docker's engine and what builds the box: on Debian and Ubuntu they are installed, elsewhere the
# tests that need them say so and are left out.
tools: $(VENV)/ready
	$(BIN)/labgen doctor --fix --provider libvirt || [ -z "$$LABGEN_REQUIRE_TOOLS" ]
	$(BIN)/labgen doctor --fix --provider docker || [ -z "$$LABGEN_REQUIRE_TOOLS" ]

# On virtual machines, and beside them on containers, where most of the time is spent waiting for Swarm's own timers.
# In order, because each test builds on the nodes as the one before has left them.
e2e: $(VENV)/ready tools
	@# Once, and before: two that build at a time would be in each other's way.
	$(BIN)/labgen box build
	$(MAKE) $(SIDE_BY_SIDE) e2e-machines e2e-docker

# One lab of emulated machines at a time: two would take the processors from each other.
e2e-machines: $(VENV)/ready
	$(MAKE) e2e-virtualbox
	$(MAKE) e2e-libvirt

e2e-docker e2e-libvirt: e2e-%: $(VENV)/ready
	$(BIN)/labgen doctor --fix --provider $* || [ -z "$$LABGEN_REQUIRE_TOOLS" ]
	$(BIN)/pytest -p no:randomly -x tests/e2e --provider $*

# The course again, on nodes with a current engine; their image is built once, which takes two minutes. Then on every
# engine, one after the other: some ten minutes each.
e2e-docker-current: ENGINES := -x -k trixie
e2e-docker-engines: ENGINES :=
e2e-docker-current e2e-docker-engines: $(VENV)/ready
	$(BIN)/labgen doctor --fix --provider docker || [ -z "$$LABGEN_REQUIRE_TOOLS" ]
	$(BIN)/pytest -p no:randomly $(ENGINES) tests/e2e/engines

# From a cloud image on a web server to a swarm on emulated machines. The image is made here, once, of Debian's packages.
CLOUD_IMAGE_PACKAGES := gdisk dosfstools mtools grub-common grub-efi-amd64-bin grub-pc-bin docker-registry
e2e-cloud-image: $(VENV)/ready tools
	dpkg --status $(CLOUD_IMAGE_PACKAGES) > /dev/null || { apt-get -q update && DEBIAN_FRONTEND=noninteractive \
	  apt-get -q install -y --no-install-recommends $(CLOUD_IMAGE_PACKAGES); }
	$(BIN)/pytest -p no:randomly -x tests/e2e/cloud_image

# On this computer, which is told that it is arm64. The image's programs are run by qemu-user, the nodes by QEMU.
ARM64_PACKAGES := qemu-system-arm qemu-efi-aarch64 qemu-user-static arch-test gcc libc6-dev gdisk dosfstools mtools docker-registry
e2e-arm64: $(VENV)/ready tools
	dpkg --status $(ARM64_PACKAGES) > /dev/null || { apt-get -q update && DEBIAN_FRONTEND=noninteractive \
	  apt-get -q install -y --no-install-recommends $(ARM64_PACKAGES); }
	$(BIN)/pytest -p no:randomly -x tests/e2e/arm64

# Real VirtualBox and real Vagrant; in place of VirtualBox's hypervisor, which needs a kernel module, QEMU.
e2e-virtualbox: $(VENV)/ready tools
	$(BIN)/pytest -p no:randomly -x tests/e2e/virtualbox

# The whole course, each exercise graded, on machines of their own: containers take six minutes, emulated virtual
# machines more than twenty.
course-docker course-libvirt: course-%: $(VENV)/ready
	$(BIN)/labgen init $@
	$(BIN)/labgen -C $@ doctor --fix --provider $*
	$(BIN)/labgen -C $@ up --provider $*
	$(BIN)/labgen -C $@ run --all --grade; ran=$$?; $(BIN)/labgen -C $@ down && exit $$ran

# Faults put into a lab that is right, on containers; each must turn exactly the checks it should.
sabotage: $(VENV)/ready
	$(BIN)/labgen doctor --fix --provider docker || [ -z "$$LABGEN_REQUIRE_TOOLS" ]
	$(BIN)/python -m tests.e2e.sabotage --provider docker

# Those of them that take the routing mesh, on virtual machines.
sabotage-libvirt: $(VENV)/ready
	$(BIN)/labgen doctor --fix --provider libvirt || [ -z "$$LABGEN_REQUIRE_TOOLS" ]
	$(BIN)/python -m tests.e2e.sabotage --provider libvirt --machines

# Takes tens of minutes, and is no part of `make test`: MUTANTS of them, the same for the same SEED and the same code.
MUTANTS := 120
SEED := 1
mutation: $(VENV)/ready
	$(BIN)/python -m tests.mutation --sample $(MUTANTS) --seed $(SEED)

# What each fault turns is kept as data in tests/unit/verify/verdicts. Written again here, to be read before it is committed.
verdicts: $(VENV)/ready
	cd tests/unit/verify && LABGEN_WRITE_VERDICTS=1 ../../../$(BIN)/pytest -p no:randomly \
	  test_verify_course.py test_verify_suite.py

clean:
	if [ -x $(BIN)/labgen ]; then \
	  for folder in . $(LAB) course-docker course-libvirt; do \
	    if [ -d $$folder/.labgen ] || [ -d $$folder/.vagrant ]; then $(BIN)/labgen -C $$folder down || exit 1; fi; \
	  done; \
	fi
	rm -rf $(VENV) $(LAB) course-docker course-libvirt .labgen .vagrant Vagrantfile dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

setup: $(VENV)/ready

# The stamp is newer than what it depends on only when every step went well.
$(VENV)/ready: pyproject.toml requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "labgen needs Python 3.11 or newer; this is $$($(PYTHON) --version). Try: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "Python's venv is missing. On Debian and Ubuntu: sudo apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes --requirement requirements/dev.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

release: $(VENV)/ready
	$(BIN)/python -m tests.release

# Zensical is no part of the development environment: it is installed when the site is built for the first time.
docs: $(VENV)/docs-ready
	$(BIN)/python -m tests.docs_site

$(VENV)/docs-ready: $(VENV)/ready requirements/docs.txt
	$(BIN)/pip install --quiet --require-hashes --requirement requirements/docs.txt
	touch $@

references: $(VENV)/ready
	$(BIN)/python -m tests.docs_tables
	$(BIN)/python -m tests.docs_references

messages: $(VENV)/ready
	$(BIN)/python -m tests.messages

# Every version, with the hashes of its files, for every system and Python that labgen supports. uv is used for this alone.
UV := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-header --upgrade pyproject.toml
lock: $(VENV)/ready
	$(BIN)/pip install --quiet 'uv>=0.5'
	$(UV) --extra dev --generate-hashes --output-file requirements/dev.txt
	$(UV) --extra docs --constraint requirements/dev.txt --generate-hashes --output-file requirements/docs.txt
	$(UV) --no-annotate --constraint requirements/dev.txt --output-file requirements/constraints.txt
	$(UV) --no-annotate --constraint requirements/dev.txt --generate-hashes --output-file labgen/kit/requirements.txt
