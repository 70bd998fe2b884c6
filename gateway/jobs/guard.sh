# What stands between the gateway and a trigger's command: any POSIX shell runs it, here or at the far side.
#
# A guard is a folder.  Names in it say how the command stands, each change of a name is one rename:
#   ready -> started.PID.HOST   the claim: of any number of starts one gets it, so the command runs at most once
#   end -> end.CODE             how it ended
#   end -> ending -> end.late   its time was up, all that it had running was ended
#   out.old, out                the tail of what it printed
# $1 is this text, for the processes that it starts, $2 what to do, $3 the guard's name, $4 the limit in seconds,
# $5 and $6 the folders that may hold guards (~: the account's own), then the command; "" and a line: a shell's line.

text=$1 verb=$2 name=$3 limit=$4 first=$5 second=$6
shift 6
far=''
if [ "$first" = '~' ]; then far=yes first=${HOME:-}; fi

say() { echo "gateway-guard $name $*"; }
tick() { if [ "$count" -lt 10 ]; then pause=0.02; else pause=0.1; fi; sleep "$pause" 2>/dev/null || sleep 1; }

# Numbers of processes are given again: one is ours if it has the guard's name among its words.
alive() {
  kill -s 0 "$1" 2>/dev/null || return 1
  if [ -r "/proc/$1/cmdline" ]; then
    tr '\0' '\n' <"/proc/$1/cmdline" 2>/dev/null | grep -q -x -F -e "$name.work"
  else
    ps -ww -p "$1" -o args= 2>/dev/null | grep -q -F -e "$name.work"
  fi
}

# Whether anything of the command's process group runs: the dead that nobody buries don't count.
group_lives() {
  kill -s 0 -- "-$pid" 2>/dev/null || return 1
  if [ ! -r /proc/self/stat ]; then return 0; fi
  for one in /proc/[0-9]*/stat; do
    { read -r line <"$one"; } 2>/dev/null || continue
    set -- ${line##*) }
    if [ "${3:-}" = "$pid" ] && [ "$1" != Z ]; then return 0; fi
  done
  return 1
}

# In a session of its own, at least in a group of its own, so that it can be ended as a whole.
can_part() {
  command -v setsid >/dev/null 2>&1 || command -v perl >/dev/null 2>&1 || [ -n "${BASH_VERSION:-}${KSH_VERSION:-}" ]
}
apart() {
  if command -v setsid >/dev/null 2>&1; then
    setsid "$@" </dev/null >/dev/null 2>&1 &
  elif command -v perl >/dev/null 2>&1; then
    perl -e 'use POSIX; POSIX::setsid(); exec @ARGV' "$@" </dev/null >/dev/null 2>&1 &
  else
    set -m
    "$@" </dev/null >/dev/null 2>&1 &
    set +m
  fi
}

find_folder() {
  d=''
  for base in "$second" "$first"; do
    if [ -n "$base" ] && [ -d "$base/.gateway-guard/$name" ]; then d=$base/.gateway-guard/$name; fi
  done
}

# Each is tried twice: another guard that goes may take the folder above with it.
make_folder() {
  for base in "$first" "$first" "$second" "$second"; do
    [ -n "$base" ] && [ -d "$base" ] || continue
    find "$base/.gateway-guard" -mindepth 1 -maxdepth 1 -name 'gw-*' -mtime +30 -exec rm -rf {} + 2>/dev/null
    d=$base/.gateway-guard/$name
    if (umask 077 && mkdir -p "$d" && : >"$d/end" && : >"$d/out" && echo ready >"$d/new" && mv "$d/new" "$d/ready")
    then return; fi
    rm -rf "$d" 2>/dev/null
  done
  d=''
}

# Who runs the command: sets pid and host, empty if nobody was started.
claimed() {
  pid='' host=''
  for one in "$d"/started.*; do
    if [ -e "$one" ]; then one=${one##*/started.} pid=${one%%.*} host=${one#*.}; fi
  done
}

# Whether something of the command runs.  Accounts may be shared by several machines: one can't look into another.
living() {
  if [ "$host" != "$(uname -n)" ]; then [ -n "$far" ]; return; fi
  alive "$pid" || group_lives
}

report() {
  if [ -z "$d" ]; then say missing; return; fi
  claimed
  if [ -z "$pid" ]; then
    if [ -e "$d/ready" ]; then say ready; else say missing; fi
    return
  fi
  # Asked before the names are looked at: whoever is gone by then has left its code.
  if living; then life=running; else life=lost; fi
  if [ "$life" = lost ] && [ -e "$d/ending" ]; then life='ended late'; fi
  for one in "$d"/end.*; do
    if [ -e "$one" ]; then life="ended ${one##*/end.}"; fi
  done
  say "$life"
  cat "$d/out.old" "$d/out" 2>/dev/null | tail -c 16384
}

# All that the command has running is asked to end, then made to.
finish() {
  claimed
  if [ "$host" != "$(uname -n)" ] || ! alive "$pid"; then return; fi
  mv "$d/end" "$d/ending" 2>/dev/null
  kill -s TERM -- "-$pid" 2>/dev/null
  count=0
  while [ "$count" -lt 38 ] && group_lives; do tick; count=$((count + 1)); done
  kill -s KILL -- "-$pid" 2>/dev/null
  mv "$d/ending" "$d/end.late" 2>/dev/null
}

case $verb in
  prepare)
    find_folder
    if [ -n "$d" ]; then claimed; fi
    if [ -z "$d" ] || { [ -z "$pid" ] && [ ! -e "$d/ready" ]; }; then make_folder; fi
    if ! can_part; then say alone; elif [ -z "$d" ]; then say refused; else report; fi
    ;;
  start)
    find_folder
    if [ -n "$d" ] && [ -e "$d/ready" ]; then
      if [ -z "$1" ]; then set -- "${SHELL:-/bin/sh}" -c "$2"; fi
      apart sh -c 'eval "$1"' "$name.work" "$text" work "$name" "$limit" "$d" '' "$@"
      count=0
      while [ -e "$d/ready" ] && [ "$count" -lt 50 ]; do tick; count=$((count + 1)); done
      count=0
      while { [ -e "$d/end" ] || [ -e "$d/ending" ]; } && [ "$count" -lt 18 ]; do tick; count=$((count + 1)); done
    fi
    report
    ;;
  work)
    d=$first
    trap : TERM
    mv "$d/ready" "$d/started.$$.$(uname -n)" 2>/dev/null || exit 0
    apart sh -c 'eval "$1"' "$name.watch" "$text" watch "$name" "$limit" "$d" ''
    (exec "$@") </dev/null >>"$d/out" 2>&1
    mv "$d/end" "$d/end.$?"
    ;;
  watch)
    d=$first spent=0
    claimed
    while sleep 1; do
      if [ ! -e "$d/end" ] || ! kill -s 0 "$pid" 2>/dev/null; then exit 0; fi
      if [ "$(wc -c <"$d/out")" -gt 1048576 ]; then
        tail -c 16384 "$d/out" >"$d/out.old"
        : >"$d/out"
      fi
      spent=$((spent + 1))
      if [ "$spent" -ge "$limit" ]; then finish; exit 0; fi
    done
    ;;
  look) find_folder; report ;;
  end) find_folder; if [ -n "$d" ]; then finish; fi; report ;;
  remove)
    find_folder
    if [ -n "$d" ]; then rm -rf "$d"; rmdir "${d%/*}" 2>/dev/null; fi
    find_folder
    report
    ;;
esac
