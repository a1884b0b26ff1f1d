#!/usr/bin/env bash
# Installs the reconcile that this action is part of into a virtual environment of its own.
#
# Nothing that runs here sees a secret, and nothing of the checkout is run: Python is isolated, what is installed is named
# with its hashes, and but for a few variables the environment is left behind.
set -euo pipefail

source="$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)"
venv="${RECONCILE_VENV:-${RUNNER_TEMP:-/tmp}/reconcile}"
if [ -x "$venv/bin/reconcile" ]; then exit 0; fi
if [ ! -f "$source/requirements/run.txt" ]; then
    echo "::error title=reconcile::this copy of the action is alone; use it from the whole repository, or set RECONCILE_VENV"
    exit 64
fi

here="$PWD"
# What pip needs to get at the packages: where they are, and how to reach that.
kept=(PATH="$PATH" HOME="${HOME:-/}")
for name in $(compgen -e); do
    case "$name" in
        PIP_* | SSL_CERT_* | REQUESTS_CA_BUNDLE | LANG | LC_* | TMPDIR | LD_LIBRARY_PATH | [Hh][Tt][Tt][Pp]_[Pp]* | [Hh][Tt][Tt][Pp][Ss]_[Pp]* | [Nn][Oo]_[Pp]* | [Aa][Ll][Ll]_[Pp]*)
            kept+=("$name=${!name}")
            ;;
    esac
done
cd -- "$source"
run() { env -i "${kept[@]}" "$@"; }
pip() { run "$venv/bin/python" -I -m pip --disable-pip-version-check install --quiet "$@"; }

run python -I -m venv "$venv"
pip --require-hashes --only-binary :all: --requirement requirements/run.txt
# Looking at pages takes libraries that parse what strangers write; they are installed only where pages are looked at.
settings="${INPUT_WORKING_DIRECTORY:-.}/reconcile.yaml"
case "${INPUT_ARGS:-}" in
    *--check-sources* | *--check-links*) looks=true ;;
    *) if grep -Eqs '^track_sources:[[:space:]]*(true|yes|on)' -- "$here/$settings"; then looks=true; else looks=false; fi ;;
esac
if "$looks"; then pip --require-hashes --only-binary :all: --requirement requirements/sources.txt; fi
pip --no-deps --no-build-isolation "$source"
