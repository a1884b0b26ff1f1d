"""What `reconcile completion SHELL` prints. A script asks the command that the shell finds, and shows what it answers.

An answer's first line says what kind of words follow: `plain` ones, or `file` or `dir`, which the shell completes. Each
further line is a word, with a tab and a description after it where the shell shows one. The words as they are typed are
passed as arguments; they are never evaluated. zsh and fish quote what they insert; bash gets it quoted.
"""

from __future__ import annotations

SHELLS = ("bash", "zsh", "fish")

_BASH = """\
# Completion of reconcile in bash.
_reconcile_completion() {
    local line kind=''
    COMPREPLY=()
    while IFS= read -r line; do
        if [[ -z $kind ]]; then kind=$line; else COMPREPLY+=("$line"); fi
    done < <(VARIABLE=bash command reconcile "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null </dev/null)
    case $kind in
        file) compopt -o filenames -o default 2>/dev/null ;;
        dir) compopt -o filenames -o dirnames 2>/dev/null ;;
    esac
}
complete -o nosort -F _reconcile_completion reconcile 2>/dev/null || complete -F _reconcile_completion reconcile
"""

_ZSH = """\
#compdef reconcile
# Completion of reconcile in zsh.
_reconcile() {
    local line kind
    local -a lines values shown
    lines=("${(@f)$(VARIABLE=zsh command reconcile "${(@)words[2,CURRENT-1]}" "$PREFIX" 2>/dev/null </dev/null)}")
    kind=$lines[1]
    case $kind in
        file) _files ;;
        dir) _files -/ ;;
        plain)
            for line in "${(@)lines[2,-1]}"; do
                values+=("${line%%$'\\t'*}")
                shown+=("${line/$'\\t'/  -- }")
            done
            compadd -l -V reconcile -d shown -a values
            ;;
    esac
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _reconcile "$@"
else
    compdef _reconcile reconcile
fi
"""

_FISH = """\
# Completion of reconcile in fish.
function __reconcile_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l lines (VARIABLE=fish command reconcile $words[2..-1] 2>/dev/null </dev/null)
    switch "$lines[1]"
        case file
            __fish_complete_path (commandline -ct)
        case dir
            __fish_complete_directories (commandline -ct) ''
        case plain
            for line in $lines[2..-1]
                echo -- $line
            end
    end
end
complete --command reconcile --no-files --keep-order --arguments '(__reconcile_complete)'
"""


def script_for(shell: str) -> str:
    """The script for one of `SHELLS`."""
    return {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}[shell].replace("VARIABLE", "_RECONCILE_COMPLETE")
