#!/usr/bin/env bash
# Starts a real Slurm inside one folder, without systemd or cgroups, on loopback alone.
# Idempotent. Prints what to set:  eval "$(scripts/slurm/up.sh)"
#
#   SLURM_BOX             the folder (default: audition-slurm under the temporary files)
#   SLURM_BOX_PORT        first of four ports (16817)
#   SLURM_BOX_NODES       nodes, each a slurmd of this machine (1); with accounting, one
#   SLURM_BOX_CPUS        CPUs a node claims to have (4, so that four small jobs run at once)
#   SLURM_BOX_MEMORY_MB   memory a node claims to have (8000)
#   SLURM_BOX_ACCOUNTING  1: a real sacct, through slurmdbd and MariaDB; otherwise a stand-in
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source-path=SCRIPTDIR source=box.sh
source "$here/box.sh"

((EUID == 0)) || fail "a Slurm of one's own needs root: its daemons start jobs for other users"
mkdir -p "$BOX"/{state,spool,log,run,munge}
need munge=munged slurmctld=slurmctld slurmd=slurmd slurm-client=sbatch
host=$(hostname -s)
# Nodes beyond the first are slurmds of other names on this machine, which Debian's build allows.
nodes=("$host")
for ((i = 2; i <= ${SLURM_BOX_NODES:-1}; i++)); do nodes+=("$host-$i"); done
((${#nodes[@]} <= (${SLURM_BOX_ACCOUNTING:-0} ? 1 : 3))) || fail "SLURM_BOX_NODES=${#nodes[@]}: no ports for them"
claims="CPUs=${SLURM_BOX_CPUS:-4} RealMemory=${SLURM_BOX_MEMORY_MB:-8000} State=UNKNOWN"
described=""
for i in "${!nodes[@]}"; do
  described+="NodeName=${nodes[i]} NodeHostname=$host NodeAddr=127.0.0.1 Port=$((PORT + 1 + i)) $claims"$'\n'
done
all=$(IFS=, && echo "${nodes[*]}")

accounting="AccountingStorageType=accounting_storage/none"
if [[ -n ${SLURM_BOX_ACCOUNTING:-} ]]; then
  accounting="AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort=$((PORT + 2))
AccountingStoragePass=$BOX/munge/munge.socket"
fi

# cred_expire: a requeued job waits until its credential has expired, two minutes unless told.
# MinJobAge: the stand-in for sacct asks squeue, which must remember jobs that have ended.
cat >"$SLURM_CONF.part" <<CONF
ClusterName=box
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$PORT
SlurmUser=root
SlurmdUser=root
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
AuthType=auth/munge
AuthInfo=socket=$BOX/munge/munge.socket,cred_expire=5
CredType=cred/munge
StateSaveLocation=$BOX/state
SlurmdSpoolDir=$BOX/spool/%n
SlurmctldPidFile=$BOX/run/slurmctld.pid
SlurmdPidFile=$BOX/run/slurmd.%n.pid
SlurmctldLogFile=$BOX/log/slurmctld.log
SlurmdLogFile=$BOX/log/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
$accounting
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
DefMemPerCPU=1000
SchedulerType=sched/backfill
SchedulerParameters=sched_min_interval=0,sched_interval=1,bf_interval=1,batch_sched_delay=0,preempt_send_user_signal
PriorityType=priority/basic
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobRequeue=1
ReturnToService=2
SlurmdTimeout=30
KillWait=5
MinJobAge=3600
MaxArraySize=1001
InactiveLimit=0
UnkillableStepTimeout=60
SlurmdParameters=config_overrides
MailProg=/bin/true
${described}PartitionName=main Nodes=$all Default=YES MaxTime=INFINITE State=UP PriorityTier=1 PreemptMode=REQUEUE GraceTime=10
PartitionName=urgent Nodes=$all Default=NO MaxTime=INFINITE State=UP PriorityTier=10 PreemptMode=OFF
CONF
mv "$SLURM_CONF.part" "$SLURM_CONF"

if ! alive munged; then
  if [[ ! -s $BOX/munge/key ]]; then
    (umask 077 && head -c 128 /dev/urandom >"$BOX/munge/key")
  fi
  rm -f "$BOX/munge/munge.socket"*
  munged --force --key-file="$BOX/munge/key" --socket="$BOX/munge/munge.socket" \
    --pid-file="$BOX/run/munged.pid" --seed-file="$BOX/munge/seed" \
    --log-file="$BOX/log/munged.log" --num-threads=2 2>>"$BOX/log/munged.log"
fi
# A slurmctld that starts before its slurmdbd answers never registers with it.
[[ -z ${SLURM_BOX_ACCOUNTING:-} ]] || "$here/dbd_up.sh"
alive slurmctld || slurmctld -f "$SLURM_CONF"
for node in "${nodes[@]}"; do
  alive "slurmd.$node" || slurmd -N "$node" -f "$SLURM_CONF"
done

ready() {
  local states
  states=$(timeout 3 sinfo --noheader --Node --format=%T --partition=main) || return 1
  [[ $(grep -c . <<<"$states") == "${#nodes[@]}" ]] && ! grep -Eqv '^(idle|mixed|allocated|completing)$' <<<"$states"
}
if ! within 50 ready; then
  # A node that was lost is kept out until somebody says otherwise.
  timeout 5 scontrol update NodeName="$all" State=RESUME 2>/dev/null || true
  within 100 ready || fail "not every node came up; see $BOX/log"
fi

echo "export SLURM_CONF=$SLURM_CONF"
# shellcheck disable=SC2016 # the caller expands it
[[ -n ${SLURM_BOX_ACCOUNTING:-} ]] || printf 'export PATH=%q:"$PATH"\n' "$here/stand_in"
