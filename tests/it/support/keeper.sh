# The keeper of a temporary folder and of the PostgreSQL cluster in it, if one is wanted: `sh -c THIS keeper BINDIR`.
#
# It makes the folder, says where it is, and takes orders from standard input, one a line (`init`, `start PORT`,
# `stop MODE`, and what gives the cluster another life), answering each with `done` or `failed`. When the input ends, because the tests ended in whatever way, it
# stops the cluster and removes the folder. That works after a `kill -9` too, where no destructor and no exit handler of
# the tests would run.
bin=$1

# An interrupt at the terminal is meant for the tests; the keeper ends when they do. An answer that nobody is left to
# read (PIPE) must not end it before it has cleaned up.
trap '' HUP INT TERM PIPE
LC_ALL=C
export LC_ALL
root=$(mktemp -d "${TMPDIR:-/tmp}/afterimage-test-XXXXXX") && cd "$root" || exit 1
echo "$root"

# PostgreSQL refuses to run as root.
if [ "$(id -u)" = 0 ]; then
  user=postgres
  id "$user" >/dev/null 2>&1 || user=nobody
fi

as_user() {
  if [ -z "${user:-}" ]; then
    "$@"
  elif command -v setpriv >/dev/null; then
    setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups -- "$@"
  else
    runuser -u "$user" -- "$@"
  fi
}

initialise() {
  # They write to it, so the folder has to be theirs.
  if [ -n "${user:-}" ]; then
    chown "$user" "$root" || return
  fi
  as_user "$bin/initdb" --pgdata="$root/$1" --username=postgres --auth=trust --no-locale --encoding=UTF8 \
    --no-sync || return
  # The cluster is thrown away: it need not survive a power cut, and being fast is all it is for.
  cat >>"$root/$1/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
unix_socket_directories = '$root'
max_connections = 300
max_prepared_transactions = 10
fsync = off
synchronous_commit = off
full_page_writes = off
timezone = 'UTC'
CONF
}

start() {
  as_user "$bin/pg_ctl" start --pgdata="$root/data" --log="$root/server.log" --wait --timeout=60 --options="-p $1"
}

stop() {
  as_user "$bin/pg_ctl" stop --pgdata="$root/data" --mode="$1" --wait --timeout=60
}

# What lies under the name $1 becomes the cluster's data.
replace_data() {
  rm -rf "$root/data" && mv "$root/$1" "$root/data"
}

copy() {
  rm -rf "${root:?}/$2" && cp -a "$root/$1" "$root/$2"
}

upgrade() {
  initialise new && as_user "$bin/pg_upgrade" --old-bindir="$bin" --new-bindir="$bin" --old-datadir="$root/data" \
    --new-datadir="$root/new" --username=postgres && replace_data new
}

# A standby's files: what the primary writes from now on, it lacks.
back_up() {
  as_user "$bin/pg_basebackup" --pgdata="$root/standby" --host=127.0.0.1 --port="$1" --username=postgres \
    --checkpoint=fast --write-recovery-conf --no-sync
}

fail_over() {
  stop immediate && replace_data standby && start "$1" && as_user "$bin/pg_ctl" promote --pgdata="$root/data" --wait
}

while read -r order argument; do
  case $order in
    init) initialise data ;;
    start) start "$argument" ;;
    stop) stop "$argument" ;;
    save) copy data saved ;;
    put-back) copy saved data ;;
    upgrade) upgrade ;;
    back-up) back_up "$argument" ;;
    fail-over) fail_over "$argument" ;;
    *) false ;;
  esac </dev/null >>"$root/keeper.log" 2>&1 && echo "done" || echo failed
done

if [ -f "$root/data/postmaster.pid" ]; then
  stop immediate </dev/null >/dev/null 2>&1
fi
cd / && rm -rf "$root"
