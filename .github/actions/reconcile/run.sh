#!/usr/bin/env bash
# Runs one command of the reconcile that install.sh put there. Everything comes in by variables (action.yml) and goes on as
# items of a list: no value is ever part of a script.
set -euo pipefail

fail() {
    echo "::error title=reconcile::$1"
    exit 64
}

temporary="${RUNNER_TEMP:-/tmp}"
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
venv="${RECONCILE_VENV:-$temporary/reconcile}"
[ -x "$venv/bin/python" ] || fail "reconcile is not installed in $venv"

cd -- "$INPUT_WORKING_DIRECTORY" || fail "working-directory: there is no such folder"

# given VARIABLE INPUT: what the input says, where it says anything.
given() {
    if [ -n "${!2:-}" ]; then export "$1=${!2}"; fi
    unset "$2"
}
key="${INPUT_API_KEY_ENV:-LINGO_API_KEY}"
[[ "$key" =~ ^LINGO_API_KEY(_[A-Z0-9_]{1,80})?$ ]] || fail "api-key-env must be a name that begins with LINGO_API_KEY"
given "$key" INPUT_API_KEY
unset INPUT_API_KEY_ENV
given LINGO_WEBHOOK_SECRET INPUT_WEBHOOK_SECRET
given GITHUB_TOKEN INPUT_GITHUB_TOKEN
given RECONCILE_CALLBACK_URL INPUT_CALLBACK_URL
given RECONCILE_PUBLISH INPUT_PUBLISH
given RECONCILE_ENVIRONMENT INPUT_ENVIRONMENT

more=()
several=false # a plan of several projects is no plan that can be saved, nor a page
while IFS= read -r argument; do
    if [ -n "$argument" ]; then more+=("$argument"); fi
    case "$argument" in
        --all-projects | --all-environments | --projects | --projects=* | --changed-since | --changed-since=*) several=true ;;
    esac
done <<<"$INPUT_ARGS"

arguments=("$INPUT_COMMAND")
last=()
document="$temporary/reconcile-$INPUT_COMMAND.json"
case "$INPUT_COMMAND" in
    plan)
        arguments+=(--format github)
        if ! $several; then arguments+=(--out "$document"); fi
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
    resolve)
        case "${RESOLVE_DECISION:-}" in
            engine) arguments+=("--engine-id=${RESOLVE_ENGINE_ID:-}") ;;
            retry | forget) arguments+=("--$RESOLVE_DECISION") ;;
            *) fail "RESOLVE_DECISION must be engine, retry or forget" ;;
        esac
        if [ -n "${RESOLVE_JOB_ID:-}" ]; then arguments+=("--job-id=$RESOLVE_JOB_ID"); fi
        if [ -n "${RESOLVE_OPERATION:-}" ]; then arguments+=("--operation=$RESOLVE_OPERATION"); fi
        last=(-- "${RESOLVE_KEY:-}")
        ;;
    projects) arguments+=(--format github-matrix) ;;
    validate) ;;
    *) fail "command must be plan, apply, collect, resolve, projects or validate" ;;
esac
# Not where its library is not built for: an apply must not fail for want of a report.
report="${document%.json}.html"
if $several; then INPUT_REPORT=false; fi
case "${INPUT_REPORT:-} $INPUT_COMMAND" in
    "true plan" | "true apply" | "true collect")
        if "$venv/bin/python" -I -c 'import minijinja' 2>/dev/null; then arguments+=(--report-html "$report"); fi
        ;;
esac
case "$INPUT_COMMENT $INPUT_COMMAND" in
    "true plan" | "true apply" | "true collect") arguments+=(--comment) ;;
esac
arguments+=(${more[@]+"${more[@]}"})

rm -f -- "$document" "$report"
exec "$venv/bin/python" -I "$here/run.py" "$document" "${arguments[@]}" "${last[@]+"${last[@]}"}"
