#!/usr/bin/env bash
# Stops the box that up.sh started, jobs first. Idempotent; --purge removes its folder too.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=box.sh
source "$here/box.sh"

no_jobs() { [[ -z $(timeout 5 squeue --noheader --format=%A) ]]; }
gone() { ! alive "$1"; }

daemons=()
for file in "$BOX"/run/slurmd.*.pid; do
  [[ ! -e $file ]] || daemons+=("$(basename "$file" .pid)")
done

if alive slurmctld && ((${#daemons[@]})); then
  timeout 10 scancel --full --quiet --user="$(id -un)" || true
  within 150 no_jobs || say "jobs are still ending"
fi
for daemon in "${daemons[@]}" slurmctld slurmdbd mariadbd munged; do
  alive "$daemon" || continue
  kill "$(<"$BOX/run/$daemon.pid")" 2>/dev/null || true
  # A slurmd that never met its controller ignores a polite request.
  within 50 gone "$daemon" || kill -KILL "$(<"$BOX/run/$daemon.pid")" 2>/dev/null || true
  within 50 gone "$daemon" || say "$daemon is still running"
done
if [[ ${1:-} == --purge ]]; then
  rm -rf "$BOX"
fi
