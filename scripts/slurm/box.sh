# shellcheck shell=bash
# A Slurm inside one folder: where it lies, and which of its daemons live.
# Sourced by the scripts beside it.
# shellcheck disable=SC2034

BOX=${SLURM_BOX:-${TMPDIR:-/tmp}/audition-slurm} # state, logs, pids, configuration: all in here
PORT=${SLURM_BOX_PORT:-16817}                     # of slurmctld; the three after it are taken too
export SLURM_CONF=$BOX/slurm.conf

say() { echo "scripts/slurm: $*" >&2; }

fail() {
  say "$@"
  exit 1
}

# alive DAEMON[.NODE]: whether the daemon of this box runs. A zombie, or another process that has been
# given the number since, is not it.
alive() {
  local file=$BOX/run/$1.pid
  [[ -s $file && $(readlink "/proc/$(<"$file")/exe") == */"${1%%.*}"* ]]
}

# within TENTHS COMMAND...: tries the command every tenth of a second until it succeeds.
within() {
  local tenths=$1
  shift
  for ((i = 0; i < tenths; i++)); do
    "$@" >/dev/null 2>&1 && return
    sleep 0.1
  done
  return 1
}

# need PACKAGE=COMMAND...: installs the packages whose commands are missing.
need() {
  local pair missing=()
  for pair in "$@"; do
    command -v "${pair#*=}" >/dev/null || missing+=("${pair%=*}")
  done
  ((${#missing[@]})) || return 0
  command -v apt-get >/dev/null || fail "${missing[*]} missing, and no apt-get to install them with"
  # The packages would start daemons of their own, with a configuration that is not ours.
  local policy=/usr/sbin/policy-rc.d
  if [[ ! -e $policy ]]; then
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
  fi
  export DEBIAN_FRONTEND=noninteractive
  if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$BOX/log/apt.log" 2>&1; then
    fail "apt-get could not install ${missing[*]}: $(tail -n 1 "$BOX/log/apt.log")"
  fi
}
