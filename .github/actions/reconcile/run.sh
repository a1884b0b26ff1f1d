#!/usr/bin/env bash
# Installs reconcile into a virtual environment of its own, runs one command, and tells in outputs what came of it.
# Everything comes in by variables (action.yml) and goes on as items of a list: no value is ever part of a script.
set -euo pipefail

fail() {
    echo "::error title=reconcile::$1"
    exit 64
}

temporary="${RUNNER_TEMP:-/tmp}"
here="$(cd "$ACTION_PATH" && pwd)"
source="$(cd "$ACTION_PATH/../../.." && pwd)"

# A self-hosted runner may have it already: RECONCILE_VENV is the virtual environment it is in.
venv="${RECONCILE_VENV:-$temporary/reconcile-$INPUT_VERSION}"
case "$INPUT_VERSION" in
    source)
        [ -f "$source/constraints.txt" ] || [ -x "$venv/bin/reconcile" ] || fail "version: this copy of the action is alone; name a version to install"
        package=("$source" --constraint "$source/constraints.txt")
        ;;
    *[!0-9A-Za-z.+-]* | "" | [!0-9]*) fail "version must be 'source', or a version such as 0.2.0" ;;
    *) package=("lingo-reconcile==$INPUT_VERSION") ;;
esac
if [ ! -x "$venv/bin/reconcile" ]; then
    python -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "${package[@]}"
fi

cd -- "$INPUT_WORKING_DIRECTORY" || fail "working-directory: there is no such folder"
if [ -n "$INPUT_CALLBACK_URL" ]; then export RECONCILE_CALLBACK_URL="$INPUT_CALLBACK_URL"; fi
if [ -n "$INPUT_PUBLISH" ]; then export RECONCILE_PUBLISH="$INPUT_PUBLISH"; fi
if [ -n "$INPUT_ENVIRONMENT" ]; then export RECONCILE_ENVIRONMENT="$INPUT_ENVIRONMENT"; fi

arguments=("$INPUT_COMMAND")
document="$temporary/reconcile-$INPUT_COMMAND.json"
case "$INPUT_COMMAND" in
    plan)
        arguments+=(--format github --out "$document")
        ;;
    apply)
        arguments+=(--yes --report "$document")
        if [ -n "$INPUT_PLAN" ]; then arguments+=("$INPUT_PLAN"); fi
        ;;
    collect)
        arguments+=(--report "$document")
        if [ -n "${GITHUB_EVENT_PATH:-}" ] && [ "${GITHUB_EVENT_NAME:-}" = repository_dispatch ]; then
            arguments+=(--event "$GITHUB_EVENT_PATH")
        fi
        ;;
    validate) ;;
    *) fail "command must be plan, apply, collect or validate" ;;
esac
if [ "$INPUT_COMMENT" = true ] && [ "$INPUT_COMMAND" != validate ]; then arguments+=(--comment); fi
while IFS= read -r argument; do
    if [ -n "$argument" ]; then arguments+=("$argument"); fi
done <<<"$INPUT_ARGS"

rm -f -- "$document"
code=0
"$venv/bin/reconcile" "${arguments[@]}" || code=$?
"$venv/bin/python" -I "$here/outputs.py" "$INPUT_COMMAND" "$code" "$document" >>"$GITHUB_OUTPUT"
exit "$code"
