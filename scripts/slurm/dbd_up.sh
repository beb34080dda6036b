#!/usr/bin/env bash
# Starts slurmdbd and its MariaDB inside the box, so that a real sacct answers. Idempotent; up.sh
# calls it before slurmctld where SLURM_BOX_ACCOUNTING is set.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=box.sh
source "$here/box.sh"

mkdir -p "$BOX"/{log,run}
need slurmdbd=slurmdbd mariadb-server=mariadbd
sql() { mariadb --no-defaults --socket="$BOX/run/mariadb.sock" --execute="$1"; }

if ! alive mariadbd; then
  if [[ ! -d $BOX/db/mysql ]]; then
    mariadb-install-db --no-defaults --user=root --datadir="$BOX/db" --skip-test-db \
      --auth-root-authentication-method=socket >"$BOX/log/mariadb-install.log" 2>&1 \
      || fail "MariaDB's tables could not be made; see $BOX/log/mariadb-install.log"
  fi
  setsid mariadbd --no-defaults --user=root --datadir="$BOX/db" --socket="$BOX/run/mariadb.sock" \
    --pid-file="$BOX/run/mariadbd.pid" --bind-address=127.0.0.1 --port=$((PORT + 3)) \
    --innodb-buffer-pool-size=64M --innodb-lock-wait-timeout=900 \
    --innodb-flush-log-at-trx-commit=0 >"$BOX/log/mariadb.log" 2>&1 </dev/null &
  within 200 sql "select 1" || fail "MariaDB did not answer; see $BOX/log/mariadb.log"
  sql "create database if not exists accounts;
       create user if not exists slurm@'127.0.0.1' identified by 'slurm';
       create user if not exists slurm@localhost identified by 'slurm';
       grant all on accounts.* to slurm@'127.0.0.1', slurm@localhost;"
fi

(umask 077 && cat >"$BOX/slurmdbd.conf") <<CONF
AuthType=auth/munge
AuthInfo=socket=$BOX/munge/munge.socket
DbdHost=$(hostname -s)
DbdAddr=127.0.0.1
DbdPort=$((PORT + 2))
CommunicationParameters=NoInAddrAny
SlurmUser=root
PidFile=$BOX/run/slurmdbd.pid
LogFile=$BOX/log/slurmdbd.log
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort=$((PORT + 3))
StorageUser=slurm
StoragePass=slurm
StorageLoc=accounts
CONF
alive slurmdbd || SLURM_CONF=$BOX/slurmdbd.conf slurmdbd
within 100 timeout 3 sacctmgr --noheader list tres || fail "slurmdbd did not answer; see $BOX/log/slurmdbd.log"
