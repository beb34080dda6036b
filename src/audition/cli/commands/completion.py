"""`audition completion`: lets bash and zsh complete commands, options, arms and overrides."""

from argparse import SUPPRESS, Namespace

from audition.cli.command import command, option

BASH = r"""_audition() {
  local line="${COMP_LINE:0:$COMP_POINT}" word before=""
  word="${line##* }"
  # The shell completes what stands behind its last = or :, which are no words of ours.
  case "$word" in *[=:]*) before="${word%"${word##*[=:]}"}" ;; esac
  local IFS=$'\n'
  COMPREPLY=($("${COMP_WORDS[0]}" completion --line "$line" 2>/dev/null))
  COMPREPLY=("${COMPREPLY[@]#"$before"}")
  case "${COMPREPLY[0]}" in
    *= | *.) type compopt >/dev/null 2>&1 && compopt -o nospace ;;
  esac
  return 0
}
complete -o bashdefault -o default -F _audition audition
"""
ZSH = r"""autoload -U +X compinit && compinit
_audition() {
  local line="${(j: :)words[1,CURRENT-1]} $PREFIX"
  local -a found=("${(@f)$(${words[1]} completion --line "$line" 2>/dev/null)}")
  [[ -n "$found" ]] || { _files; return; }
  compadd -S '' -- ${(M)found:#*[=.]}
  compadd -- ${found:#*[=.]}
}
compdef _audition audition
"""
SCRIPTS = {"bash": BASH, "zsh": ZSH}


@command(
    'completion of this command: eval "$(audition completion bash)" in ~/.bashrc, or zsh',
    option("shell", nargs="?", choices=tuple(SCRIPTS), metavar="SHELL", help="bash or zsh"),
    option("--line", help=SUPPRESS),
)
def completion(options: Namespace) -> None:
    """`audition completion`"""
    from audition.cli.candidates import candidates
    from audition.errors import AuditionError

    if options.line is not None:
        print("\n".join(candidates(options.line)))
    elif options.shell is not None:
        print(SCRIPTS[options.shell], end="")
    else:
        raise AuditionError("name the shell: audition completion bash, or zsh")
